"""Puts an inference script, with what it needs, into the folder `code` of a model's archive.

Inputs: the archive in the channel `training`, the code in the current folder. Output: the files
of the archive and `code/` in SM_MODEL_DIR, which become the new archive.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tarfile
from pathlib import Path

_OURS = ("_repack_model.py", "_repack_script_launcher.sh")


def repack(archive: Path, code: Path, model: Path, script: str, whole: bool) -> None:
    """Unpack the archive into `model` and put the code into `model/code`.

    Args:
        archive: a .tar.gz.
        code: the folder that has the script.
        model: the folder of the new model.
        script: the inference script, a path within `code`.
        whole: whether all of `code` goes along; else the script and the other files given with it.

    Raises:
        FileNotFoundError: the script is not there.
    """
    if not (code / script).is_file():
        raise FileNotFoundError(f"There is no inference script {script} in the code.")
    with tarfile.open(archive, "r:*") as tar:
        tar.extractall(model, filter="data")
    target = model / "code"
    if whole and target.exists():
        shutil.rmtree(target)
    shutil.copytree(code, target, dirs_exist_ok=True, ignore=shutil.ignore_patterns(*_OURS))


def main() -> None:
    """Read the job's variables and repack."""
    parser = argparse.ArgumentParser()
    for name in ("inference_script", "model_archive", "dependencies", "source_dir"):
        parser.add_argument(f"--{name}", default="")
    told = parser.parse_args()
    channel = Path(os.environ["SM_CHANNEL_TRAINING"])
    repack(
        channel / told.model_archive.rpartition("/")[2],
        Path.cwd(),
        Path(os.environ["SM_MODEL_DIR"]),
        told.inference_script,
        bool(told.source_dir),
    )


if __name__ == "__main__":
    main()
