"""Atomic outputs: they appear completely or not at all.

    with atomic_output(path, overwrite=False) as temporary:
        temporary.write_bytes(data)

writes in a temporary folder next to the output. When the block ends, the file is flushed to the
disk and renamed, so it is complete even after a power cut. If the block raises, the temporary
folder is removed and an existing output is unchanged.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import chain, count
from pathlib import Path

from kinoloom.base.outputs.sync import sync_folder, sync_tree
from kinoloom.base.outputs.temporary import remove, temporary_folder
from kinoloom.errors import OutputError, OutputExistsError


def check_output(path: Path, *, overwrite: bool) -> None:
    """Check, before the work starts, that `path` can be written.

    Raises:
        OutputExistsError: it exists and `overwrite` is false.
        OutputError: its folder does not exist or is not writable, or its name is too long.
    """
    with name_output_errors(path):
        exists = path.exists() or path.is_symlink()  # a link to nothing would be replaced too
        work_folder(path).exists()  # may be too long even if `path` is not
    if exists and not overwrite:
        raise OutputExistsError(
            f"{path} already exists.", hint="Choose another name, or add --overwrite."
        )
    folder = path.parent
    if not folder.is_dir():
        raise OutputError(f"The folder {folder} does not exist.", hint="Create it first.")
    if not os.access(folder, os.W_OK):
        raise OutputError(f"The folder {folder} is not writable.", hint="Choose another.")


def check_not_input(path: Path, inputs: Iterable[Path]) -> None:
    """Check, before the work starts, that writing `path` replaces none of the inputs.

    Files are compared by device and inode, so another spelling of a path, a symbolic link or a
    hard link is found too. A folder is an input if it contains one.

    Raises:
        OutputExistsError: `path` is, or contains, an input.
    """
    try:
        target = path.stat()
    except OSError:  # a path that does not exist is no input; `check_output` reports the rest
        return
    for source in inputs:
        for place in (source, *source.resolve().parents):
            if place.exists() and os.path.samestat(target, place.stat()):
                raise OutputExistsError(
                    f"The output {path} is or contains the input {source}.",
                    hint="Choose another name; an input is never replaced.",
                )


def work_folder(path: Path) -> Path:
    """Return the folder in which the parts of `path` are kept while it is being made."""
    return path.with_name(f".{path.name}.parts")


def name_aside(path: Path) -> Path:
    """Return a new name next to `path` for a result that may not have that name.

    It is `<name>.partial<suffix>`, or with a number if a file has that name.
    """
    ends = chain([""], (f"-{number}" for number in count(2)))
    names = (path.with_name(f"{path.stem}.partial{end}{path.suffix}") for end in ends)
    return next(one for one in names if not os.path.lexists(one))


@contextmanager
def atomic_output(path: Path, *, overwrite: bool) -> Iterator[Path]:
    """Yield a temporary path that becomes `path` if the block ends without an error.

    Raises:
        OutputExistsError, OutputError: as `check_output`; `path` is a folder; the disk is full.
    """
    check_output(path, overwrite=overwrite)
    if path.is_dir():
        raise OutputExistsError(f"{path} is a folder.", hint="Choose another name for the file.")
    with name_output_errors(path), temporary_folder(path) as folder:
        temporary = folder / path.name
        yield temporary
        replace(temporary, path)


@contextmanager
def name_output_errors(path: Path) -> Iterator[None]:
    """Turn the operating system's errors inside the block into errors that name `path`.

    Raises:
        OutputError: the disk is full or read-only, the name too long, or the like.
    """
    try:
        yield
    except OSError as error:
        reasons = {
            errno.ENOSPC: ("the disk is full", "Free some space, or write to another disk."),
            errno.EDQUOT: (
                "the disk quota is exceeded",
                "Free some space, or write to another disk.",
            ),
            errno.EACCES: ("permission denied", "Choose a writable folder."),
            errno.EROFS: ("the disk is read-only", "Write to another disk."),
            errno.EIO: ("the disk reports an error", "Check the disk, or write to another one."),
            errno.EFBIG: ("it exceeds the file system's size limit", "Write to another disk."),
            errno.ENAMETOOLONG: ("its name is too long", "Choose a shorter one."),
        }
        if error.errno not in reasons:
            raise
        reason, hint = reasons[error.errno]
        raise OutputError(f"{path} cannot be written: {reason}.", hint=hint) from error


def write_text_atomically(path: Path, text: str, *, overwrite: bool = True) -> None:
    """Write a text file.

    Raises:
        OutputExistsError, OutputError: as `atomic_output`.
    """
    with atomic_output(path, overwrite=overwrite) as temporary:
        temporary.write_text(text, encoding="utf-8")


def replace(temporary: Path, path: Path) -> None:
    """Move a finished temporary file or folder to its final path, replacing an existing one.

    It is flushed to the disk first, then its new name. If an existing folder cannot be replaced, it
    is kept.

    Raises:
        OSError: the disk is full or reports an error.
    """
    sync_tree(temporary)
    old = None
    if temporary.is_dir() and os.path.lexists(path):  # the system replaces no folder that has files
        old = path.rename(temporary.with_name(f"{temporary.name}.old"))
    try:
        temporary.replace(path)
    except BaseException:
        if old is not None:
            old.rename(path)
        raise
    sync_folder(path.parent)
    if old is not None:
        with suppress(OSError):  # the output is complete
            remove(old)
