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
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from kinoloom.pipelines.local.jobs.mounts import ML, in_namespace, namespaces_work

Isolation = Literal["auto", "namespace", "plain", "inline"]

_POLL_S = 0.02


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
    log: Path,
    isolation: Isolation,
    stop_fd: int,
    on_start: Callable[[int, str], None],
    grace_s: float = 5.0,
) -> Ending:
    """Run a command and wait for its end.

    Args:
        command: The command.
        log: The file that its output and errors are appended to.
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
    with log.open("ab") as output:
        child = subprocess.Popen(
            words,
            env=env,
            cwd=cwd,
            stdin=None if inline else subprocess.DEVNULL,
            stdout=None if inline else output,
            stderr=None if inline else subprocess.STDOUT,
            start_new_session=not inline,
        )
    try:
        on_start(child.pid, start_time(child.pid))
        cause = _watch(child, stop_fd, command.limit_s)
        if cause:
            _signal_group(child.pid, signal.SIGTERM)
            _wait(child, grace_s)
        return _finish(child, cause)
    except BaseException:
        _finish(child, "stop")
        raise


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
    child: subprocess.Popen[bytes], stop_fd: int, limit_s: float
) -> Literal["", "time", "stop"]:
    """Wait for the child's end, its time limit or a stop request, whichever comes first."""
    ready = _wait(child, limit_s, stop_fd)
    if ready == "child":
        return ""
    return "stop" if ready == "stop" else "time"


def _wait(
    child: subprocess.Popen[bytes], limit_s: float, stop_fd: int | None = None
) -> Literal["child", "stop", ""]:
    """Return what came first, "" after `limit_s`; the child is not reaped where pidfds exist."""
    if not hasattr(os, "pidfd_open"):
        return _wait_by_polling(child, limit_s, stop_fd)
    pid_fd = os.pidfd_open(child.pid)
    try:
        poll = select.poll()
        for number in (pid_fd, stop_fd):
            if number is not None:
                poll.register(number, select.POLLIN)
        ready = dict(poll.poll(limit_s * 1000))
    finally:
        os.close(pid_fd)
    if pid_fd in ready:
        return "child"
    return "stop" if ready else ""


def _wait_by_polling(
    child: subprocess.Popen[bytes], limit_s: float, stop_fd: int | None
) -> Literal["child", "stop", ""]:
    """Do what `_wait` does on a system without pidfds."""
    deadline = time.monotonic() + limit_s
    watched = [] if stop_fd is None else [stop_fd]
    while child.poll() is None:
        if time.monotonic() > deadline:
            return ""
        if select.select(watched, [], [], _POLL_S)[0]:
            return "stop"
    return "child"


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
