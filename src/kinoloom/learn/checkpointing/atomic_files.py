"""Atomic files: complete on disk before they get their name, even after a power failure."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from kinoloom.base.outputs import atomic_output


def write_atomically(path: Path, write: Callable[[Path], None]) -> None:
    """Have `write` create a temporary file, sync it to disk, then rename it to `path`.

    Raises:
        OutputError: the file cannot be written.
    """
    with atomic_output(path, overwrite=True) as temporary:
        write(temporary)
        _fsync(temporary, os.O_RDWR)
    if os.name == "posix":  # other systems cannot open a folder
        _fsync(path.parent, os.O_RDONLY)


def write_text_atomically(path: Path, text: str) -> None:
    """Write a text file atomically.

    Raises:
        OutputError: the file cannot be written.
    """
    write_atomically(path, lambda temporary: _write_text(temporary, text))


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def _fsync(path: Path, flags: int) -> None:
    handle = os.open(path, flags)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
