"""Signals stop the executions of this process: Ctrl-C, SIGTERM, and SIGHUP of a closed terminal.

The first signal terminates the running steps, the second kills them. Python's own reaction to
Ctrl-C follows: a KeyboardInterrupt. If the script does not handle it, the script ends without a
traceback. SIGTERM and SIGHUP would end the process at once and leave the steps running, since each
has a process group of its own; they become a SystemExit with the exit code that shells show for the
signal. While the interpreter shuts down, as after the last line of a script, nobody could handle an
exception, and none is raised.
"""

from __future__ import annotations

import signal
import sys
import threading
from types import FrameType, TracebackType

from kinoloom.base.signals import drop_closed_terminal, list_stop_signals
from kinoloom.pipelines.local.script.running import Running

_executions: list[Running] = []


def watch_interrupts(running: Running) -> None:
    """Make signals stop an execution, except those that the program handles or ignores itself."""
    _executions[:] = [one for one in _executions if not one.finished.is_set()]
    _executions.append(running)
    if threading.current_thread() is not threading.main_thread():
        return
    for number in list_stop_signals():
        if signal.getsignal(number) in (signal.default_int_handler, signal.SIG_DFL):
            signal.signal(number, _interrupt if number is signal.SIGINT else _terminate)
            _Hook.install()


def exit_code(number: signal.Signals) -> int:
    """Return the exit code that shells show for a process that a signal ended."""
    return 128 + number


def _interrupt(number: int, frame: FrameType | None) -> None:
    _stop_all(signal.Signals(number))
    if threading.main_thread().is_alive():
        raise KeyboardInterrupt


def _terminate(number: int, frame: FrameType | None) -> None:
    drop_closed_terminal()
    if not _stop_all(signal.Signals(number)):
        signal.signal(number, signal.SIG_DFL)
        signal.raise_signal(number)
    if threading.main_thread().is_alive():
        sys.exit(exit_code(signal.Signals(number)))


def _stop_all(number: signal.Signals) -> bool:
    """Stop the executions of this process that run; return whether there are any."""
    own = [one for one in _executions if one.is_own and not one.finished.is_set()]
    for running in own:
        running.interrupt(number)
    return bool(own)


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
        interrupted = [one for one in _executions if one.signal is not None and one.is_own]
        if not issubclass(kind, KeyboardInterrupt) or not interrupted:
            _Hook.previous(kind, error, traceback)
        for one in interrupted:
            one.progress.announce()
