"""Graceful stop on SIGINT, SIGTERM and SIGHUP."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

from kinoloom.base.signals import drop_closed_terminal, list_stop_signals


@dataclass
class StopRequest:
    """The signal that requested a stop.

    Attributes:
        signal_number: 0 while there is none.
    """

    signal_number: int = 0


@contextmanager
def defer_signals() -> Iterator[StopRequest]:
    """Defer the first SIGINT (Ctrl-C), SIGTERM or SIGHUP to the end of the block.

    The signal takes its usual effect when the block ends without an error: KeyboardInterrupt for
    Ctrl-C. A second signal takes effect immediately. Outside the main thread, which receives no
    signals, this does nothing.

    Yields:
        The pending signal; the block should check it and return early.
    """
    request = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return
    previous = {number: signal.getsignal(number) for number in list_stop_signals()}

    def restore() -> None:
        for number, handler in previous.items():
            signal.signal(number, handler)

    def record(number: int, _: FrameType | None) -> None:
        request.signal_number = number
        drop_closed_terminal()
        restore()

    for number in previous:
        signal.signal(number, record)
    try:
        yield request
    finally:
        restore()
    if request.signal_number:
        signal.raise_signal(request.signal_number)
