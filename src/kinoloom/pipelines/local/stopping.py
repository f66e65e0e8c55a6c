"""The order to stop an execution: a named pipe in its folder, so that any process can give it.

The pipe's reading end becomes readable and stays so; all jobs of the execution wait on it too.
"""

from __future__ import annotations

import errno
import os
import select
import threading
from collections.abc import Callable
from pathlib import Path

from kinoloom.errors import ExecutionError

_NAME = "stop"


class StopOrder:
    """The engine's end of the pipe.

    Args:
        folder: of the execution; it exists.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / _NAME
        self._path.unlink(missing_ok=True)
        os.mkfifo(self._path, 0o600)
        self.fd = os.open(self._path, os.O_RDWR | os.O_NONBLOCK)
        self.given = threading.Event()
        self._over = False
        self._thread: threading.Thread | None = None

    def watch(self, then: Callable[[], None]) -> None:
        """Call `then` once, in a thread, when the order is given."""

        def wait() -> None:
            select.select([self.fd], [], [])
            if not self._over:
                self.given.set()
                then()

        self._thread = threading.Thread(target=wait, name="kinoloom-stop", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the watch and remove the pipe."""
        self._over = True
        os.write(self.fd, b"x")
        if self._thread is not None:
            self._thread.join()
        self._path.unlink(missing_ok=True)
        os.close(self.fd)


def give_stop_order(folder: Path, execution: str) -> None:
    """Tell the engine of an execution to stop.

    Raises:
        ExecutionError: no process is running it.
    """
    try:
        pipe = os.open(folder / _NAME, os.O_WRONLY | os.O_NONBLOCK)
    except OSError as error:
        if error.errno not in (errno.ENOENT, errno.ENXIO):
            raise
        raise ExecutionError(f"No process is running the execution {execution}.") from error
    with os.fdopen(pipe, "wb") as end:
        end.write(b"x")
