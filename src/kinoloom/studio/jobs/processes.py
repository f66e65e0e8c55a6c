"""Processes of jobs: each runs in a session of its own and outlives the server."""

from __future__ import annotations

import asyncio
import fcntl
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from kinoloom.jobs.process import LOCK, LOG, read_start_time

Pid = int

_DEATH_S = 1.0
"""The longest wait for killed processes, which the system may hold back."""


@dataclass
class JobProcess:
    """A running process of a job: started by this server, or by an earlier one.

    Attributes:
        folder: of the job.
        pid, started: identify it; None until a process of an earlier server is known.
        child: set if this server started it.
    """

    folder: Path
    pid: Pid | None = None
    started: str | None = None
    child: subprocess.Popen[bytes] | None = None
    _members: dict[Pid, str] = field(default_factory=dict)

    def is_alive(self) -> bool:
        """Whether the process runs."""
        if self.child is not None:
            return self.child.returncode is None and not _has_ended(self.child.pid)
        if self.pid is not None:
            return bool(self.started) and read_start_time(self.pid) == self.started
        return is_locked(self.folder)

    def watch_end(self, notice: Callable[[], None]) -> None:
        """Call a function in the running event loop once the process ends, where systems can."""
        if self.pid is None or not hasattr(os, "pidfd_open"):
            return
        with suppress(OSError):  # it has ended; who looks at it sees that
            handle = os.pidfd_open(self.pid)
            loop = asyncio.get_running_loop()

            def end() -> None:
                loop.remove_reader(handle)
                os.close(handle)
                notice()

            loop.add_reader(handle, end)

    @property
    def exit_code(self) -> int | None:
        """Its exit code, negative for a signal; None if it runs or another server started it."""
        return self.child.returncode if self.child is not None else None

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the group, as a terminal does."""
        if self.pid is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, number)

    def send_all(self, number: signal.Signals) -> None:
        """Send a signal to the group, and to everything that it started in other groups."""
        self.note_members()  # before the signal: what loses its parent cannot be found any more
        self.send(number)
        for pid, started in self._members.items():
            if read_start_time(pid) == started:
                with suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, number)

    def note_members(self) -> None:
        """Remember what the process has started, to end it with the process."""
        if self.pid is not None:
            self._members |= {pid: read_start_time(pid) for pid in list_members(self.pid)}

    def kill_rest(self) -> None:
        """Kill what is left after the process has ended, wait for that, and reap the process."""
        self.send_all(signal.SIGKILL)
        end = time.monotonic() + _DEATH_S
        for pid, started in self._members.items():
            _wait_for_end(pid, started, end - time.monotonic())
        if self.child is not None:
            self.child.wait()


def _wait_for_end(pid: Pid, started: str, seconds: float) -> None:
    """Wait for a killed process, which ends once it is scheduled, where systems can."""
    if not hasattr(os, "pidfd_open"):
        return
    try:
        handle = os.pidfd_open(pid)
    except OSError:  # it has ended
        return
    try:
        if read_start_time(pid) == started:
            waiting = select.poll()
            waiting.register(handle, select.POLLIN)
            waiting.poll(max(0.0, seconds) * 1000)
    finally:
        os.close(handle)


def _has_ended(pid: Pid) -> bool:
    """Whether a child has ended; it is not reaped, so that its id is not used again yet."""
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def start_process(folder: Path, working_folder: Path, threads: int | None) -> JobProcess:
    """Start the process of a job.

    Args:
        folder: of the job; its lock is held as long as the process runs.
        working_folder: relative paths in options refer to it.
        threads: of numerical libraries; None for their own choice.

    Raises:
        OSError: it cannot be started, or another process runs this job.
    """
    environment = dict(os.environ)
    if threads is not None:
        environment |= {"OMP_NUM_THREADS": str(threads), "OPENBLAS_NUM_THREADS": str(threads)}
    lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        with (folder / LOG).open("ab", buffering=0) as log:
            child = subprocess.Popen(
                [sys.executable, "-m", "kinoloom.jobs.process", str(folder)],
                cwd=working_folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=[lock],
                start_new_session=True,
            )
    finally:
        os.close(lock)
    return JobProcess(folder, child.pid, read_start_time(child.pid), child)


def is_locked(folder: Path) -> bool:
    """Whether a process of this job runs, also one whose id is not known."""
    try:
        lock = os.open(folder / LOCK, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False


def list_members(leader: Pid) -> Iterator[Pid]:
    """Yield the processes of a session, and their descendants in other sessions."""
    parents: dict[Pid, Pid] = {}
    members = {leader}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        with suppress(OSError, IndexError):  # it has ended
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            parents[int(entry.name)] = int(fields[1])
            if int(fields[3]) == leader:
                members.add(int(entry.name))
    grew = True
    while grew:
        below = {pid for pid, parent in parents.items() if parent in members} - members
        members |= below
        grew = bool(below)
    yield from members - {leader}
