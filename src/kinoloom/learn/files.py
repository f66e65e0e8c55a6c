"""Files of training data, found by their suffixes."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from kinoloom.errors import InputNotFoundError


def check_folder(folder: Path) -> None:
    """Check that a folder of training data exists.

    Raises:
        InputNotFoundError: it does not.
    """
    if not folder.is_dir():
        raise InputNotFoundError(f"The folder {folder} does not exist.")


def find_by_suffix(folder: Path, suffixes: Collection[str]) -> list[Path]:
    """Return the files below a folder with certain suffixes, sorted by path; hidden ones excepted.

    Args:
        folder: searched with all its subfolders.
        suffixes: in lower case, such as ".mp4"; files may have them in any case.

    Raises:
        InputNotFoundError: the folder does not exist.
    """
    check_folder(folder)
    return sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in suffixes and not path.name.startswith(".")
    )
