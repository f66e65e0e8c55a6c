"""Files that are whole on the disk before they have their name, even when the power fails."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from kinoloom.base.outputs import temporary_name, whole_file


def write_durably(path: Path, write: Callable[[Path], None]) -> None:
    """Have `write` make a temporary file, force it to the disk, then give it the name `path`.

    Raises:
        OutputError: it cannot be written.
    """
    with whole_file(path, overwrite=True) as temporary:
        write(temporary)
        _force(temporary, os.O_RDWR)
    if os.name == "posix":  # elsewhere a folder cannot be opened
        _force(path.parent, os.O_RDONLY)


def write_text_durably(path: Path, text: str) -> None:
    """Write text so.

    Raises:
        OutputError: it cannot be written.
    """
    write_durably(path, lambda temporary: _write_text(temporary, text))


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def _force(path: Path, how: int) -> None:
    handle = os.open(path, how)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def remove_leftovers(folder: Path) -> None:
    """Remove the temporary files that a killed process has left in a folder."""
    mark = temporary_name(Path("*.*")).name
    for path in folder.glob(mark):
        path.unlink()
