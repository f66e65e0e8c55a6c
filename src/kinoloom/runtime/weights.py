"""Weights that the user brings: where they are looked for.

A model `film` finds `film.pt`, `film.pth` or `film.safetensors` in the folder that the
environment variable KINOLOOM_WEIGHTS names, else in `weights` of the user's data folder of
kinoloom (~/.local/share/kinoloom on Linux). A file named outright goes before both.
"""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

FOLDER_VARIABLE = "KINOLOOM_WEIGHTS"
_SUFFIXES = (".pt", ".pth", ".safetensors")


def weights_folders() -> list[Path]:
    """Where weights are looked for, in order; they need not exist."""
    named = os.environ.get(FOLDER_VARIABLE)
    usual = Path(platformdirs.user_data_dir("kinoloom", appauthor=False)) / "weights"
    return [Path(named).expanduser(), usual] if named else [usual]


def find_weights(name: str, given: Path | None = None) -> Path | None:
    """The file of weights of a model.

    Args:
        name: of the model.
        given: the user's own choice, which is taken if it is a file, and nothing else then.

    Returns:
        An existing file, or None.
    """
    if given is not None:
        return given if given.is_file() else None
    files = (folder / f"{name}{suffix}" for folder in weights_folders() for suffix in _SUFFIXES)
    return next((file for file in files if file.is_file()), None)
