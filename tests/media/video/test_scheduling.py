"""Threads of encoders are scheduled as this process is."""

import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from kinoloom.media.video import scheduling
from kinoloom.media.video.scheduling import keep_scheduling

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="policies of Linux")

TASKS = Path("/proc/self/task")


def find_policies() -> set[int]:
    return {os.sched_getscheduler(int(task.name)) for task in TASKS.iterdir()}


@pytest.fixture
def waiting_thread() -> Iterator[threading.Event]:
    """Set the event to end the threads that wait for it."""
    event = threading.Event()
    yield event
    event.set()


def test_this_thread_and_new_ones_keep_the_policy(waiting_thread: threading.Event) -> None:
    batch = os.sched_param(0)
    with pytest.raises(KeyError), keep_scheduling():
        os.sched_setscheduler(0, os.SCHED_BATCH, batch)
        thread = threading.Thread(target=waiting_thread.wait)  # inherits the policy
        thread.start()
        assert os.sched_getscheduler(thread.native_id or 0) == os.SCHED_BATCH
        raise KeyError
    assert find_policies() == {os.SCHED_OTHER}


def test_older_threads_are_left_alone(waiting_thread: threading.Event) -> None:
    older = threading.Thread(target=waiting_thread.wait)
    older.start()
    os.sched_setscheduler(older.native_id or 0, os.SCHED_BATCH, os.sched_param(0))
    with keep_scheduling():
        pass
    assert os.sched_getscheduler(older.native_id or 0) == os.SCHED_BATCH


def test_a_system_without_proc_does_not_fail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scheduling, "_THREADS", tmp_path / "none")
    with keep_scheduling():
        pass
