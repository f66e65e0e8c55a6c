"""Temporary folders next to an output, which no other user or process can prepare or share.

A folder is created exclusively, with access for its owner only, so nothing in it can be a link
that someone planted. Its owner locks it; a killed process leaves it unlocked, and the next one that
writes the same output removes it. A folder of another user, or a link, is never touched.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_ATTEMPTS = 8
_HAS_FOLDER_LOCKS = os.name == "posix"  # other systems cannot open a folder


@contextmanager
def temporary_folder(path: Path) -> Iterator[Path]:
    """Create a temporary folder in the folder of `path`; it is removed when the block ends.

    Raises:
        OSError: the folder cannot be created.
    """
    folder, handle = _create(path)
    try:
        yield folder
    finally:
        _remove_if_possible(folder)
        if handle is not None:
            os.close(handle)


def remove(path: Path) -> None:
    """Remove a file, link or folder if it exists; the target of a link is kept."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def remove_abandoned_folders(parent: Path) -> None:
    """Remove the temporary folders of killed processes from `parent`."""
    for folder in parent.glob(".kinoloom-*.part"):
        _remove_if_abandoned(folder)


def is_own_folder(path: Path) -> bool:
    """Whether `path` is a folder of this user, and not a link to one."""
    found = path.lstat()
    return stat.S_ISDIR(found.st_mode) and (os.name != "posix" or found.st_uid == os.geteuid())


def try_lock(handle: int) -> bool:
    """Lock an open file or folder; return False if another process holds the lock."""
    try:
        import fcntl
    except ImportError:  # Windows: the files of a running process cannot be removed there anyway
        return True
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _create(path: Path) -> tuple[Path, int | None]:
    """Create a folder for `path`; return it with the handle that holds its lock."""
    digest = hashlib.sha256(os.fsencode(path.name)).hexdigest()[:8]
    for attempt in range(_ATTEMPTS):
        end = f"-{secrets.token_hex(4)}" if attempt else ""
        folder = path.with_name(f".kinoloom-{digest}{end}.part")
        _remove_if_abandoned(folder)
        try:
            folder.mkdir(0o700)
        except FileExistsError:
            continue
        handle = _lock_folder(folder)
        if handle is not None or not _HAS_FOLDER_LOCKS:
            return folder, handle
        with suppress(OSError):  # another process may have removed it
            folder.rmdir()
    raise FileExistsError(f"No temporary folder can be created for {path}.")


def _remove_if_possible(folder: Path) -> None:
    """Remove a folder; if that fails, the next process that writes the same output tries again."""
    with suppress(OSError):  # mostly empty, because the output has been moved
        folder.rmdir()
        return
    with suppress(OSError):
        remove(folder)


def _remove_if_abandoned(folder: Path) -> None:
    if not _HAS_FOLDER_LOCKS or not os.path.lexists(folder) or not is_own_folder(folder):
        return
    handle = _lock_folder(folder)
    if handle is not None:
        try:
            remove(folder)
        finally:
            os.close(handle)


def _lock_folder(folder: Path) -> int | None:
    """Open and lock a folder; return None if another process holds it or removed it."""
    with suppress(OSError):  # the other process may remove it at any time
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        with suppress(OSError):
            if try_lock(handle) and os.path.samestat(os.fstat(handle), folder.lstat()):
                return handle
        os.close(handle)
    return None
