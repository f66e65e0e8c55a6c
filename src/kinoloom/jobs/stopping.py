"""Ends the process of a job soon after SIGINT or SIGTERM, also during a long call of a C library.

A signal raises KeyboardInterrupt in the main thread, which cannot happen while it waits for a
C library or for threads that do. Nothing of a job needs an orderly end: outputs appear completely
or not at all, and finished segments are kept. So a thread ends the process after a short time.
An op that needs longer, such as one that stops remote steps, uses `base.signals.end_in_order`, or a
handler of its own.
"""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import NoReturn

from kinoloom.base.signals import is_ending_in_order

GRACE_S = 0.3
"""The main thread has this long to end the process in order."""
INTERRUPTED = 130
"""The exit code."""


def raise_interrupt(number: int, frame: FrameType | None) -> NoReturn:
    """Raise KeyboardInterrupt; a handler of signals."""
    raise KeyboardInterrupt


def watch_stop_signals(end: Callable[[], None]) -> None:
    """Let SIGINT and SIGTERM interrupt the main thread, and end the process if it does not end.

    Args:
        end: records the end; called in another thread before the process exits.
    """
    reader, writer = socket.socketpair()
    writer.setblocking(False)
    # The system's handler writes the number of each signal, whatever Python is doing.
    signal.set_wakeup_fd(writer.detach(), warn_on_full_buffer=False)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, raise_interrupt)
    threading.Thread(target=_watch, args=(reader, end), name="stop-signals", daemon=True).start()


def _watch(reader: socket.socket, end: Callable[[], None]) -> None:
    while not any(map(_is_to_stop, reader.recv(64))):
        pass
    time.sleep(GRACE_S)
    while is_ending_in_order():
        time.sleep(GRACE_S)
    end()
    os._exit(INTERRUPTED)


def _is_to_stop(number: int) -> bool:
    """Whether a signal requests the end, and the op has no handler of its own for it."""
    return number in (signal.SIGINT, signal.SIGTERM) and signal.getsignal(number) is raise_interrupt
