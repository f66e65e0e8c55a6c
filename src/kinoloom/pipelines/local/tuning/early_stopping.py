"""Early stopping: a job's log is read periodically, and hopeless jobs are stopped."""

from __future__ import annotations

import os
import select
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

_POLL_S = 0.5


@contextmanager
def watch_log(log: Path, stop_fd: int, should_stop: Callable[[str], bool]) -> Iterator[int]:
    """Yield a file descriptor that becomes readable when the job must stop.

    Args:
        log: The job's log, which may not exist yet.
        stop_fd: Becomes readable when everything must stop.
        should_stop: Called with the log's text every half second; True stops the job.
    """
    stop_read, stop_write = os.pipe()
    end_read, end_write = os.pipe()

    def watch() -> None:
        while True:
            ready = select.select([stop_fd, end_read], [], [], _POLL_S)[0]
            if end_read in ready:
                return
            text = log.read_text(errors="replace") if log.is_file() else ""
            if stop_fd in ready or should_stop(text):
                os.write(stop_write, b"x")
                return

    watcher = threading.Thread(target=watch, name="kinoloom-watch", daemon=True)
    watcher.start()
    try:
        yield stop_read
    finally:
        os.write(end_write, b"x")
        watcher.join()
        for number in (stop_read, stop_write, end_read, end_write):
            os.close(number)
