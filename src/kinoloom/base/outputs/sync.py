"""Flushing of files and folders to the disk, so that they survive a power cut.

A file is on the disk once it is flushed; its name is there once its folder is.
"""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable, Iterable
from pathlib import Path

_THREADS = 16  # a disk flushes several files at once nearly as fast as a single one
_UNSUPPORTED = (errno.EINVAL, errno.ENOTSUP, errno.EACCES)


def sync_file(path: Path) -> None:
    """Flush a file's content to the disk.

    Raises:
        OSError: the disk is full or reports an error.
    """
    flags = os.O_RDONLY if os.name == "posix" else os.O_RDWR
    _flush(path, flags)


def sync_folder(path: Path) -> None:
    """Flush the names in a folder to the disk, where the file system supports that.

    Raises:
        OSError: the disk reports an error.
    """
    if os.name != "posix":  # other systems cannot open a folder
        return
    try:
        _flush(path, os.O_RDONLY)
    except OSError as error:
        if error.errno not in _UNSUPPORTED:
            raise


def sync_files(paths: Iterable[Path]) -> None:
    """Flush several files' contents to the disk, in parallel.

    Raises:
        OSError: as `sync_file`.
    """
    _apply(sync_file, list(paths))


def sync_folders(paths: Iterable[Path]) -> None:
    """Flush the names in several folders to the disk, in parallel.

    Raises:
        OSError: as `sync_folder`.
    """
    _apply(sync_folder, list(paths))


def sync_tree(path: Path) -> None:
    """Flush a file, or a folder with everything in it, to the disk; links are not followed.

    Raises:
        OSError: as `sync_file`.
    """
    if not path.is_dir():
        sync_file(path)
        return
    tree = [(Path(folder), names) for folder, _, names in os.walk(path)]
    files = (folder / name for folder, names in tree for name in names)
    sync_files(file for file in files if not file.is_symlink())
    sync_folders(folder for folder, _ in tree)


def _apply(sync: Callable[[Path], None], paths: list[Path]) -> None:
    """Flush paths in several threads; an executor takes no work after the main thread."""
    errors: list[Exception] = []

    def work(share: list[Path]) -> None:
        try:
            for path in share:
                sync(path)
        except Exception as error:  # noqa: BLE001  raised again in the caller's thread
            errors.append(error)

    shares = [paths[k::_THREADS] for k in range(min(_THREADS, len(paths)))]
    threads = [threading.Thread(target=work, args=(share,)) for share in shares[1:]]
    for thread in threads:
        thread.start()
    for share in shares[:1]:
        work(share)
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def _flush(path: Path, flags: int) -> None:
    handle = os.open(path, flags)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
