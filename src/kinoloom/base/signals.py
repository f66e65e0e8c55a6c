"""Signals that request an orderly end, with what is finished kept.

SIGINT is Ctrl-C, SIGTERM comes from other programs, SIGHUP when the terminal closes. A signal that
the process was started to ignore, such as SIGHUP under nohup, stays ignored.
"""

from __future__ import annotations

import errno
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")  # Windows has no SIGHUP

_in_order = threading.Semaphore(0)
"""Counts the blocks of `end_in_order`."""


@contextmanager
def end_in_order() -> Iterator[None]:
    """Keep the process of a job until the block has ended, although a signal has interrupted it.

    For work that must be stopped elsewhere. Other processes of jobs exit soon after a signal, even
    during a long call of a C library.
    """
    _in_order.release()
    try:
        yield
    finally:
        _in_order.acquire()


def is_ending_in_order() -> bool:
    """Whether a block of `end_in_order` is open."""
    if is_open := _in_order.acquire(blocking=False):
        _in_order.release()
    return is_open


def list_stop_signals() -> list[signal.Signals]:
    """Return the signals that request an end and are not ignored."""
    known = [getattr(signal, name) for name in _NAMES if hasattr(signal, name)]
    return [one for one in known if signal.getsignal(one) is not signal.SIG_IGN]


def ignore_terminal_signals() -> None:
    """Ignore what a terminal sends to all processes of a command; the first one handles it."""
    for name in ("SIGINT", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)


def drop_closed_terminal() -> None:
    """Discard what is printed from now on if the terminal has closed; else printing would fail."""
    for stream in (1, 2):
        try:
            os.get_terminal_size(stream)
        except OSError as error:
            if error.errno == errno.EIO:
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, stream)
                os.close(nowhere)
