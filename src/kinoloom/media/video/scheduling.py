"""How the operating system schedules this process's threads."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_THREADS = Path("/proc/self/task")


@contextmanager
def keep_scheduling() -> Iterator[None]:
    """Keep this thread's scheduling policy, and give it to the threads started inside the block.

    SVT-AV1 run by root gives real-time priority to its threads and to the one that opens it, whose
    children inherit it. Real-time threads that wait for each other in a loop can stop a machine.
    Does nothing on systems other than Linux, or without /proc.
    """
    if sys.platform != "linux" or not _THREADS.is_dir():
        yield
        return
    policy, parameters = os.sched_getscheduler(0), os.sched_getparam(0)
    before = _list_threads()
    try:
        yield
    finally:
        for thread in {0} | (_list_threads() - before):
            with suppress(ProcessLookupError):  # it has ended
                if os.sched_getscheduler(thread) != policy:  # some sandboxes allow no change
                    os.sched_setscheduler(thread, policy, parameters)


def _list_threads() -> set[int]:
    return {int(entry.name) for entry in _THREADS.iterdir()}
