"""Signals that request an orderly end, with what is finished kept.

SIGINT is Ctrl-C, SIGTERM comes from other programs, SIGHUP when the terminal closes. A signal that
the process was started to ignore, such as SIGHUP under nohup, stays ignored.
"""

from __future__ import annotations

import errno
import os
import signal

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")  # Windows has no SIGHUP


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
