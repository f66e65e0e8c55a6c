"""A lock between processes that the operating system releases when its holder dies."""

from __future__ import annotations

import errno
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

_POLL_S = 0.1
_BUSY = {errno.EACCES, errno.EAGAIN, errno.EDEADLK}
_UNSUPPORTED = {errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP}


@contextmanager
def hold_lock(path: Path, on_wait: Callable[[], None]) -> Iterator[bool]:
    """Hold a lock while the block runs; wait for another process that holds it.

    Args:
        path: of the lock file, which is created and stays.
        on_wait: called once if another process holds the lock.

    Yields:
        Whether the lock is held; False on a file system without locks.
    """
    with path.open("a+b") as file:
        waiting = False
        while True:
            try:
                held = _try_lock(file.fileno())
                break
            except OSError as error:
                if error.errno not in _BUSY:
                    raise
            if not waiting:
                waiting = True
                on_wait()
            time.sleep(_POLL_S)
        yield held  # closing the file releases the lock


def _try_lock(handle: int) -> bool:
    """Take the lock now.

    Returns:
        False if the file system has no locks.

    Raises:
        OSError: another process holds it.
    """
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in _UNSUPPORTED:
            return False
        raise
    return True
