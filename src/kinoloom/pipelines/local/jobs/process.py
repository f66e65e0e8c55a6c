"""Child processes: each runs in a process group of its own and is terminated with the group.

Where the system allows it, a step sees its files at /opt/ml (see `mounts`). Elsewhere that path is
rewritten to the real folder in the command and its environment.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from kinoloom.pipelines.local.jobs.mounts import ML, in_namespace, namespaces_work
from kinoloom.pipelines.local.jobs.step_log import StepLog

Isolation = Literal["auto", "namespace", "plain", "inline"]

_POLL_S = 0.02
_MAX_POLL_S = 3600  # poll() rejects more than 24 days


@dataclass(frozen=True)
class Command:
    """The command of a step.

    Attributes:
        words: The program and its arguments.
        env: Its whole environment.
        ml: The folder that it sees at /opt/ml.
        cwd: Its working directory, below /opt/ml.
        limit_s: Its time limit.
        shared: A folder for what all commands of a session share.
    """

    words: Sequence[str]
    env: Mapping[str, str]
    ml: Path
    cwd: str
    limit_s: float
    shared: Path


@dataclass(frozen=True)
class Ending:
    """How a process ended.

    Attributes:
        code: Its exit code; the negative number of the signal that killed it.
        cause: "" if it ended by itself, "time" at its time limit, "stop" if it was stopped.
    """

    code: int
    cause: Literal["", "time", "stop"]


def run(
    command: Command,
    log: StepLog,
    isolation: Isolation,
    stop_fd: int,
    on_start: Callable[[int, str], None],
    grace_s: float = 5.0,
) -> Ending:
    """Run a command and wait for its end.

    Args:
        command: The command.
        log: The log of its output and errors.
        isolation: "auto" uses a namespace where the system allows it; so does "inline", which
            gives the command this process's terminal instead of the log, for a debugger.
        stop_fd: The process is terminated when this file descriptor becomes readable.
        on_start: Called with the process id and the process's start time.
        grace_s: Seconds between SIGTERM and SIGKILL.

    Raises:
        OSError: The program cannot be started.
    """
    words, env, cwd = _resolve(command, isolation)
    inline = isolation == "inline"
    output = log.open()
    try:
        child = subprocess.Popen(
            words,
            env=env,
            cwd=cwd,
            stdin=None if inline else subprocess.DEVNULL,
            stdout=None if inline else output,
            stderr=None if inline else subprocess.STDOUT,
            start_new_session=not inline,
        )
    except BaseException:
        log.close_output()
        log.close()
        raise
    log.close_output()
    try:
        on_start(child.pid, start_time(child.pid))
        cause = _watch(child, log, stop_fd, command.limit_s)
        if cause:
            _signal_group(child.pid, signal.SIGTERM)
            _wait(child, log, grace_s)
        return _finish(child, cause)
    except BaseException:
        _finish(child, "stop")
        raise
    finally:
        log.close()


def start_time(pid: int) -> str:
    """Return a process's start time in clock ticks since boot; "" where it is not available."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""


def kill_orphan(pid: int, started: str) -> bool:
    """Kill the process group of a step whose engine was killed; return whether it existed.

    Args:
        pid: The process id.
        started: The start time of the process: ids are used again.
    """
    if not pid or not started or start_time(pid) != started:
        return False
    _signal_group(pid, signal.SIGKILL)
    return True


def _resolve(
    command: Command, isolation: Isolation
) -> tuple[list[str], dict[str, str], str | None]:
    """Return words, environment and folder, for a namespace or with rewritten paths."""
    if isolation == "namespace" or (isolation != "plain" and namespaces_work()):
        words = in_namespace(command.words, command.ml, command.cwd, command.shared)
        return words, dict(command.env), None

    def rewrite(text: str) -> str:
        is_path = text == ML or text.startswith(f"{ML}/")
        return str(command.ml) + text.removeprefix(ML) if is_path else text

    env = {name: rewrite(value) for name, value in command.env.items()}
    return [rewrite(word) for word in command.words], env, rewrite(command.cwd)


def _watch(
    child: subprocess.Popen[bytes], log: StepLog, stop_fd: int, limit_s: float
) -> Literal["", "time", "stop"]:
    """Wait for the child's end, its time limit or a stop request, whichever comes first."""
    ready = _wait(child, log, limit_s, stop_fd)
    if ready == "child":
        return ""
    return "stop" if ready == "stop" else "time"


def _wait(
    child: subprocess.Popen[bytes], log: StepLog, limit_s: float, stop_fd: int | None = None
) -> Literal["child", "stop", ""]:
    """Copy the output until something ends the wait.

    Returns:
        What came first, "" after `limit_s`. The child is not reaped where pidfds exist.
    """
    pid_fd = os.pidfd_open(child.pid) if hasattr(os, "pidfd_open") else None
    deadline = time.monotonic() + limit_s
    watched = {fd for fd in (pid_fd, stop_fd, log.fd) if fd is not None}
    try:
        while (left_s := deadline - time.monotonic()) > 0:
            ready = _poll(watched, min(left_s, _POLL_S if pid_fd is None else _MAX_POLL_S))
            if log.fd in ready and not log.copy():
                watched.remove(log.fd)  # at its end, a pipe is always readable
            if pid_fd in ready or (pid_fd is None and child.poll() is not None):
                return "child"
            if stop_fd in ready:
                return "stop"
    finally:
        if pid_fd is not None:
            os.close(pid_fd)
    return ""


def _poll(watched: Iterable[int], limit_s: float) -> set[int]:
    """Return the file descriptors that are readable, after at most `limit_s` seconds."""
    poll = select.poll()
    for fd in watched:
        poll.register(fd, select.POLLIN)
    return {fd for fd, _ in poll.poll(limit_s * 1000)}


def _finish(child: subprocess.Popen[bytes], cause: Literal["", "time", "stop"]) -> Ending:
    """Kill the rest of the group, then reap the child, whose id cannot be reused before that."""
    _signal_group(child.pid, signal.SIGKILL)
    return Ending(child.wait(), cause)


def _signal_group(pid: int, number: signal.Signals) -> None:
    """Signal the group that a process leads, or the process alone if it leads none (inline)."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        try:
            os.killpg(pid, number)
        except ProcessLookupError:
            os.kill(pid, number)
