"""A reserve of disk space for the state, so that it can be written when a step fills the disk.

The reserve is a file that is deleted when SQLite reports a full disk. The write is then repeated
for a while, because a step that fills the disk fails, and its files are removed.
"""

from __future__ import annotations

import errno
import os
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

_SIZE_BYTES = 256 * 1024
_PATIENCE_S = 5.0
_POLL_S = 0.02
_MEMORY_ERRORS = (
    sqlite3.SQLITE_IOERR_SHMOPEN, sqlite3.SQLITE_IOERR_SHMSIZE, sqlite3.SQLITE_IOERR_SHMMAP,
)  # fmt: skip

T = TypeVar("T")


class DiskReserve:
    """Disk space that is given up when the disk is full.

    Args:
        path: The file that occupies the space.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._occupy()

    def write(self, action: Callable[[], T]) -> T:
        """Run an action that writes to the database; on a full disk, run it again with the reserve.

        Raises:
            sqlite3.Error: as the action does; the disk is still full after some seconds.
        """
        deadline = time.monotonic() + _PATIENCE_S
        while True:
            try:
                result = action()
            except sqlite3.OperationalError as error:
                if not _is_full(error) or time.monotonic() > deadline:
                    raise
                self._path.unlink(missing_ok=True)
                time.sleep(_POLL_S)
            else:
                break
        self._occupy()
        return result

    def _occupy(self) -> None:
        """Occupy the space, if the disk has it."""
        if self._path.exists():
            return
        try:
            self._path.write_bytes(os.urandom(_SIZE_BYTES))  # a hole would reserve nothing
        except OSError as error:
            self._path.unlink(missing_ok=True)
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise


def _is_full(error: sqlite3.OperationalError) -> bool:
    """Return whether a full disk caused an error; the files for shared memory have other codes."""
    return error.sqlite_errorcode in (sqlite3.SQLITE_FULL, *_MEMORY_ERRORS)
