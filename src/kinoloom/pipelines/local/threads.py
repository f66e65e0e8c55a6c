"""Work in threads that can be started until the process ends.

An executor of `concurrent.futures` accepts no work once the main thread has finished, but a script
whose last line starts a pipeline ends exactly then, and its execution goes through. The engine's
own thread keeps the process alive. It waits for the threads of the steps, unless the execution is
killed: work that cannot be interrupted must not delay the end of the process.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import ParamSpec, TypeVar

from kinoloom.errors import ExecutionError

P = ParamSpec("P")
R = TypeVar("R")


def run_in_thread(
    name: str, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs
) -> Future[R]:
    """Call a function in a daemon thread of its own and return its future.

    Args:
        name: Of the thread.
        function, *args, **kwargs: The call.

    Raises:
        ExecutionError: No thread can be started.
    """
    future: Future[R] = Future()
    future.set_running_or_notify_cancel()

    def run() -> None:
        try:
            result = function(*args, **kwargs)
        except BaseException as error:  # noqa: BLE001  the future's owner handles it
            future.set_exception(error)
        else:
            future.set_result(result)

    try:
        threading.Thread(target=run, name=name, daemon=True).start()
    except RuntimeError as error:
        raise ExecutionError(f"No thread can be started: {error}.", hint=_hint()) from error
    return future


def _hint() -> str:
    if (3, 12) <= sys.version_info < (3, 12, 3):
        return "At the end of a script, call execution.wait(), or update Python to 3.12.3 or later."
    return ""
