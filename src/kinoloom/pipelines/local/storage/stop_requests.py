"""Stop requests: a named pipe in an execution's folder, which any process can write to.

The pipe's reading end becomes readable and stays so; the execution's jobs wait for it too.
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


class StopListener:
    """The engine's end of the pipe.

    Args:
        folder: The execution's folder, which exists.

    Attributes:
        fd: Becomes readable when a stop is requested.
        requested: Set when a stop is requested.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / _NAME
        self._path.unlink(missing_ok=True)
        os.mkfifo(self._path, 0o600)
        self.fd = os.open(self._path, os.O_RDWR | os.O_NONBLOCK)
        self.requested = threading.Event()
        self._kill_read, self._kill_write = os.pipe()
        self._closed = False
        self._thread: threading.Thread | None = None

    def listen(self, on_stop: Callable[[], None], on_kill: Callable[[], None]) -> None:
        """Call `on_stop` once, in a thread, when a stop is requested, then `on_kill` after `kill`.

        Args:
            on_stop, on_kill: The calls; they raise no errors.
        """

        def wait() -> None:
            for fd, call in ((self.fd, on_stop), (self._kill_read, on_kill)):
                select.select([fd], [], [])
                if self._closed:
                    return
                self.requested.set()
                call()

        self._thread = threading.Thread(target=wait, name="kinoloom-stop", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Request a stop; a signal handler may call it."""
        if not self._closed:
            os.write(self.fd, b"x")

    def kill(self) -> None:
        """Request a stop without grace; a signal handler may call it."""
        if not self._closed:
            os.write(self.fd, b"x")
            os.write(self._kill_write, b"x")

    def close(self) -> None:
        """Stop listening and remove the pipe."""
        self._closed = True
        os.write(self.fd, b"x")
        os.write(self._kill_write, b"x")
        if self._thread is not None:
            self._thread.join()
        self._path.unlink(missing_ok=True)
        for fd in (self.fd, self._kill_read, self._kill_write):
            os.close(fd)


def request_stop(folder: Path, execution: str) -> None:
    """Tell the engine of an execution to stop.

    Args:
        folder: The execution's folder.
        execution: The execution's id.

    Raises:
        ExecutionError: No process is running the execution.
    """
    try:
        pipe = os.open(folder / _NAME, os.O_WRONLY | os.O_NONBLOCK)
    except OSError as error:
        if error.errno not in (errno.ENOENT, errno.ENXIO):
            raise
        raise ExecutionError(f"No process is running execution {execution}.") from error
    with os.fdopen(pipe, "wb") as end:
        end.write(b"x")
