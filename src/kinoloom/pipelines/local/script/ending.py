"""The end of a script that has started executions and does not wait for them.

The interpreter waits for the threads of the engines, so the executions go through. From the
script's last line on their progress is printed, and if one does not succeed the exit code is 1.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import sys
import threading

from kinoloom.pipelines.local.script.interrupts import exit_code
from kinoloom.pipelines.local.script.running import Running

_executions: dict[Running, bool] = {}
"""The executions of this process, and whether the script's own code started them."""

_lock = threading.Lock()


def watch_end(running: Running) -> None:
    """Print the progress of an execution that the script does not wait for, once it has ended."""
    with _lock:
        is_first = not _executions
        for one, is_by_script in list(_executions.items()):
            if one.finished.is_set() and (one.is_observed or not is_by_script):
                del _executions[one]
        _executions[running] = _is_called_by_script()
    if is_first and threading.main_thread().is_alive():
        threading.Thread(target=_wait_for_end, name="kinoloom-script", daemon=True).start()


def _is_called_by_script() -> bool:
    """Return whether the code that called kinoloom is the script, not a module that it imports."""
    frame = sys._getframe()
    while frame.f_back and frame.f_globals.get("__name__", "").partition(".")[0] == "kinoloom":
        frame = frame.f_back
    return frame.f_globals.get("__name__") == "__main__"


def _wait_for_end() -> None:
    threading.main_thread().join()
    _show_unattended()


def _show_unattended() -> list[Running]:
    """Print the progress of the executions that nobody waits for, and return them."""
    with _lock:
        for one, is_by_script in _executions.items():
            is_open = is_by_script or not one.finished.is_set()
            one.is_unattended |= one.is_own and is_open and not one.is_observed
        unattended = [one for one in _executions if one.is_unattended]
    for one in unattended:
        one.progress.show()
    return unattended


def _announce_terminated() -> None:
    """Print the end of executions that SIGTERM or SIGHUP stopped; the script may wait for them."""
    for one in list(_executions):
        if one.is_own and one.signal not in (None, signal.SIGINT):
            one.finished.wait()
            one.progress.announce()


@atexit.register
def _leave() -> None:
    """End the process with the exit code that its executions give it.

    A function of `atexit` cannot set the exit code. This one is registered early, so it runs after
    most others, and ends the process itself.
    """
    _announce_terminated()
    unattended = _show_unattended()
    for one in unattended:
        one.finished.wait()
    if all(one.end[0] == "Succeeded" for one in unattended):
        return
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, OSError, ValueError):  # none, or closed
            stream.flush()
    number = next((one.signal for one in unattended if one.signal is not None), None)
    if number is signal.SIGINT:
        signal.signal(number, signal.SIG_DFL)
        signal.raise_signal(number)
    os._exit(1 if number is None else exit_code(number))
