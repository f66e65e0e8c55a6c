"""Stopping in good order when a person or the system asks for it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType


@dataclass
class Asked:
    """Which signal asked to stop; 0 while none has."""

    number: int = 0


@contextmanager
def listening() -> Iterator[Asked]:
    """Take down the first Ctrl-C (SIGINT) or SIGTERM instead of obeying it at once.

    When the block has ended well the signal has its usual effect: KeyboardInterrupt for Ctrl-C.
    A second one has it at once. Outside the main thread, where Python hears no signals, this
    does nothing.
    """
    asked = Asked()
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def take_down(number: int, _: FrameType | None) -> None:
        asked.number = number
        restore()

    for number in before:
        signal.signal(number, take_down)
    try:
        yield asked
    finally:
        restore()
    if asked.number:
        signal.raise_signal(asked.number)
