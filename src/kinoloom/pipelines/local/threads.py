"""Work in threads that can be started until the process ends.

An executor of `concurrent.futures` accepts no work once the main thread has finished, but a script
whose last line starts a pipeline ends exactly then, and its execution goes through.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


def run_in_thread(
    name: str, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs
) -> Future[R]:
    """Call a function in a thread of its own, which the interpreter waits for; return its future.

    Args:
        name: Of the thread.
        function, *args, **kwargs: The call.
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

    threading.Thread(target=run, name=name).start()
    return future
