"""Outputs appear whole or not at all.

    with whole_file(path, overwrite=False) as temporary:
        temporary.write_bytes(data)

writes beside the final place under a temporary name, and renames when the block ends well. If it
ends with an error the temporary is removed and whatever was at the final place is untouched.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kinoloom.errors import OutputError, OutputExistsError


def check_output(path: Path, *, overwrite: bool) -> None:
    """See before the work begins that `path` can be written.

    Raises:
        OutputExistsError: it exists and `overwrite` is false.
        OutputError: its folder does not exist or cannot be written to, or its name is too long.
    """
    with naming_output(path):
        exists = path.exists()
        temporary_name(path).exists()  # it may be too long where the name itself is not
    if exists and not overwrite:
        raise OutputExistsError(
            f"{path} exists already.", hint="Choose another name, or add --overwrite."
        )
    folder = path.parent
    if not folder.is_dir():
        raise OutputError(f"There is no folder {folder}.", hint="Make it first.")
    if not os.access(folder, os.W_OK):
        raise OutputError(f"The folder {folder} cannot be written to.", hint="Choose another.")


def temporary_name(path: Path) -> Path:
    """The name beside `path` under which it grows; keeps the suffix, by which formats go."""
    return path.with_name(f".{path.stem}.part{path.suffix}")


@contextmanager
def whole_file(path: Path, *, overwrite: bool) -> Iterator[Path]:
    """Yield a temporary path that becomes `path` if the block ends without an error.

    Raises:
        OutputExistsError, OutputError: as `check_output`; also where `path` is a folder, and when
            the disk is full.
    """
    check_output(path, overwrite=overwrite)
    if path.is_dir():
        raise OutputExistsError(f"{path} is a folder.", hint="Choose another name for the file.")
    temporary = temporary_name(path)
    try:
        with naming_output(path):
            yield temporary
            replace(temporary, path)
    finally:
        remove(temporary)


@contextmanager
def naming_output(path: Path) -> Iterator[None]:
    """Name `path` when the operating system refuses something inside the block.

    Raises:
        OutputError: the disk is full or read-only, the name too long, or the like.
    """
    try:
        yield
    except OSError as error:
        reasons = {
            errno.ENOSPC: ("the disk is full", "Make room, or write to another disk."),
            errno.EDQUOT: ("the disk quota is used up", "Make room, or write to another disk."),
            errno.EACCES: ("permission denied", "Choose a folder that you may write to."),
            errno.EROFS: ("the disk is read-only", "Write to another disk."),
            errno.EFBIG: ("it grew larger than a file may be there", "Write to another disk."),
            errno.ENAMETOOLONG: ("its name is too long", "Choose a shorter one."),
        }
        if error.errno not in reasons:
            raise
        reason, hint = reasons[error.errno]
        raise OutputError(f"{path} could not be written: {reason}.", hint=hint) from error


def replace(temporary: Path, path: Path) -> None:
    """Give a finished temporary file or folder its final name, in place of what is there."""
    if path.is_dir():
        shutil.rmtree(path)
    temporary.replace(path)


def remove(path: Path) -> None:
    """Remove a file or folder if it is there."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
