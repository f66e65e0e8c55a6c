"""Ctrl-C stops the executions of this process.

The first Ctrl-C terminates the running steps, the second kills them. Python's own reaction follows:
a KeyboardInterrupt. If the script does not handle it, the script ends without a traceback. While
the interpreter shuts down, as after the last line of a script, nobody could handle an exception,
and none is raised.
"""

from __future__ import annotations

import signal
import sys
import threading
from types import FrameType, TracebackType

from kinoloom.pipelines.local.script.running import Running

_executions: list[Running] = []


def watch_interrupts(running: Running) -> None:
    """Make Ctrl-C stop an execution, unless the program handles or ignores Ctrl-C itself."""
    _executions[:] = [one for one in _executions if not one.finished.is_set()]
    _executions.append(running)
    is_main = threading.current_thread() is threading.main_thread()
    if is_main and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _interrupt)
        _Hook.install()


def _interrupt(number: int, frame: FrameType | None) -> None:
    for running in tuple(_executions):
        if running.is_own and not running.finished.is_set():
            running.interrupt()
    if threading.main_thread().is_alive():
        raise KeyboardInterrupt


class _Hook:
    """The hook that prints uncaught exceptions, except an interrupt that stopped executions."""

    previous = staticmethod(sys.excepthook)

    @classmethod
    def install(cls) -> None:
        if sys.excepthook is not cls.print_exception:
            cls.previous = staticmethod(sys.excepthook)
            sys.excepthook = cls.print_exception

    @staticmethod
    def print_exception(
        kind: type[BaseException], error: BaseException, traceback: TracebackType | None
    ) -> None:
        interrupted = [one for one in _executions if one.is_interrupted and one.is_own]
        if not issubclass(kind, KeyboardInterrupt) or not interrupted:
            _Hook.previous(kind, error, traceback)
        for one in interrupted:
            one.progress.announce()
