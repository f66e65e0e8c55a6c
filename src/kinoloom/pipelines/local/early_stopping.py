"""A running job whose log is looked at now and then, and that is ended when it has no hope."""

from __future__ import annotations

import os
import select
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

_LOOK_S = 0.5


@contextmanager
def watch_log(log: Path, stop_fd: int, judge: Callable[[str], bool]) -> Iterator[int]:
    """Yield a file descriptor that becomes readable when the job must stop.

    Args:
        log: of the job; it need not exist yet.
        stop_fd: becomes readable when everything must stop.
        judge: is shown the log every half second; true ends the job.
    """
    stop_read, stop_write = os.pipe()
    over_read, over_write = os.pipe()

    def look() -> None:
        while True:
            ready = select.select([stop_fd, over_read], [], [], _LOOK_S)[0]
            if over_read in ready:
                return
            text = log.read_text(errors="replace") if log.is_file() else ""
            if stop_fd in ready or judge(text):
                os.write(stop_write, b"x")
                return

    watcher = threading.Thread(target=look, name="kinoloom-judge", daemon=True)
    watcher.start()
    try:
        yield stop_read
    finally:
        os.write(over_write, b"x")
        watcher.join()
        for number in (stop_read, stop_write, over_read, over_write):
            os.close(number)
