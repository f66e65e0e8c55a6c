"""Processes of jobs, and what they have started."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from kinoloom.jobs.process import read_start_time
from kinoloom.studio.jobs.processes import JobProcess

PARENT = """
import subprocess, sys, time
line = [sys.executable, "-c", "import os, time; os.nice(19); print(flush=True); time.sleep(600)"]
for _ in range(3):
    child = subprocess.Popen(line, start_new_session=True, stdout=subprocess.PIPE)
    child.stdout.readline()
print(flush=True)
time.sleep(600)
"""


@pytest.fixture
def busy_cores() -> Iterator[None]:
    """Keep all cores busy, so that a killed process of low priority ends late."""
    line = [sys.executable, "-c", "while True: pass"]
    burning = [subprocess.Popen(line) for _ in range(4 * (os.cpu_count() or 1))]
    yield
    for one in burning:
        one.kill()
        one.wait()


@pytest.mark.usefixtures("busy_cores")
def test_what_is_killed_has_ended(tmp_path: Path) -> None:
    for _ in range(5):
        parent = subprocess.Popen(
            [sys.executable, "-c", PARENT], start_new_session=True, stdout=subprocess.PIPE
        )
        with parent:
            assert parent.stdout is not None
            parent.stdout.readline()
            process = JobProcess(tmp_path, parent.pid, read_start_time(parent.pid), parent)
            process.note_members()
            started = dict(process._members)
            os.kill(parent.pid, signal.SIGKILL)
            process.kill_rest()
        assert len(started) == 3
        assert [pid for pid, start in started.items() if read_start_time(pid) == start] == []
