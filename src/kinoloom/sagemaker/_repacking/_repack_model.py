"""Packs an inference script and its dependencies into the folder `code` of a model's archive.

Inputs: the archive in the channel `training`, the code in the current folder. Output: the files
of the archive and `code/` in SM_MODEL_DIR, which become the new archive.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tarfile
from pathlib import Path

_SCRIPTS = ("_repack_model.py", "_repack_script_launcher.sh")


def repack(archive: Path, code: Path, model: Path, script: str, replace: bool) -> None:
    """Unpack the archive into `model` and copy the code to `model/code`.

    Args:
        archive: A .tar.gz file.
        code: The folder of the script.
        model: The folder of the new model.
        script: The inference script's path within `code`.
        replace: Replace the archive's own `code` folder instead of adding to it.

    Raises:
        FileNotFoundError: The script does not exist.
    """
    if not (code / script).is_file():
        raise FileNotFoundError(f"Inference script {script} does not exist in the code.")
    with tarfile.open(archive, "r:*") as tar:
        tar.extractall(model, filter="data")
    target = model / "code"
    if replace and target.exists():
        shutil.rmtree(target)
    shutil.copytree(code, target, dirs_exist_ok=True, ignore=shutil.ignore_patterns(*_SCRIPTS))


def main() -> None:
    """Repack as the job's arguments and variables say."""
    parser = argparse.ArgumentParser()
    for name in ("inference_script", "model_archive", "dependencies", "source_dir"):
        parser.add_argument(f"--{name}", default="")
    arguments = parser.parse_args()
    channel = Path(os.environ["SM_CHANNEL_TRAINING"])
    repack(
        channel / arguments.model_archive.rpartition("/")[2],
        Path.cwd(),
        Path(os.environ["SM_MODEL_DIR"]),
        arguments.inference_script,
        bool(arguments.source_dir),
    )


if __name__ == "__main__":
    main()
