#!/usr/bin/env bash
# Install one archive with one extra into a new virtual environment, and run the extra's job there.
#
#     scripts/smoke_install.sh dist/kinoloom-0.2.0-py3-none-any.whl heic
#     PYTHON=python3.12 scripts/smoke_install.sh dist/kinoloom-0.2.0.tar.gz core
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
archive=$(realpath "$1") extra=$2

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"  # away from the repository, so that only what is installed can be imported

requirement=$archive
[ "$extra" = core ] || requirement="$archive[$extra]"
echo "-- $extra of $(basename "$archive")"
"${PYTHON:-python3}" -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check --no-compile \
  --constraint "$root/constraints.txt" "$requirement"
PYTHONPATH='' venv/bin/python "$root/scripts/smoke_extras.py" "$extra"
