"""Child processes: begun in a group of their own, watched, and ended whole.

Where the system allows it a step sees its files at /opt/ml (see `mounts`). Where not, the same
paths in the command and its environment are rewritten to the folder's real place.
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

from kinoloom.pipelines.local.mounts import ML, in_namespace, namespaces_work

Isolation = Literal["auto", "namespace", "plain", "inline"]

_POLL_S = 0.02


@dataclass(frozen=True)
class Command:
    """What to run for a step.

    Attributes:
        words: the program and its arguments.
        env: all of its environment.
        ml: the folder that it sees as /opt/ml.
        cwd: where it runs, a path below /opt/ml.
        limit_s: it is ended after this.
        shared: a folder for what is the same for all commands of a session.
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
        code: its exit code; minus the number of the signal that killed it.
        why: "" when it ended by itself, "time" at its limit, "stop" when it was told to.
    """

    code: int
    why: Literal["", "time", "stop"]


def run(
    command: Command,
    log: Path,
    isolation: Isolation,
    stop_fd: int,
    begun: Callable[[int, str], None],
    grace_s: float = 5.0,
) -> Ending:
    """Run a command to its end, its output and errors together in `log`.

    Args:
        command: what to run.
        log: the file; appended to.
        isolation: "auto" takes a namespace where the system allows it; so does "inline", which
            gives the command this process's own terminal instead of the log, for a debugger.
        stop_fd: a file descriptor; when it becomes readable the process is ended.
        begun: called with the process's number and its moment of start.
        grace_s: how long after SIGTERM the whole group is killed.

    Raises:
        OSError: the program cannot be started.
    """
    words, env, cwd = _placed(command, isolation)
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
        begun(child.pid, started(child.pid))
        why = _watch(child, stop_fd, command.limit_s)
        if why:
            _signal_group(child.pid, signal.SIGTERM)
            _wait(child, grace_s)
        return _finish(child, why)
    except BaseException:
        _finish(child, "stop")
        raise


def started(pid: int) -> str:
    """When a process began, in the kernel's own count; "" where that cannot be seen."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""


def end_orphan(pid: int, moment: str) -> bool:
    """Kill the group of a step whose engine was killed, if it is still that process."""
    if not pid or not moment or started(pid) != moment:
        return False
    _signal_group(pid, signal.SIGKILL)
    return True


def _placed(command: Command, isolation: Isolation) -> tuple[list[str], dict[str, str], str | None]:
    """Words, environment and folder, for a namespace or rewritten for none."""
    if isolation == "namespace" or (isolation != "plain" and namespaces_work()):
        words = in_namespace(command.words, command.ml, command.cwd, command.shared)
        return words, dict(command.env), None

    def real(text: str) -> str:
        here = text == ML or text.startswith(f"{ML}/")
        return str(command.ml) + text.removeprefix(ML) if here else text

    env = {name: real(value) for name, value in command.env.items()}
    return [real(word) for word in command.words], env, real(command.cwd)


def _watch(
    child: subprocess.Popen[bytes], stop_fd: int, limit_s: float
) -> Literal["", "time", "stop"]:
    """Wait for the child's end, its limit or the order to stop, whichever comes first."""
    ready = _wait(child, limit_s, stop_fd)
    if ready == "child":
        return ""
    return "stop" if ready == "stop" else "time"


def _wait(
    child: subprocess.Popen[bytes], limit_s: float, stop_fd: int | None = None
) -> Literal["child", "stop", ""]:
    """What came first; "" after `limit_s`. The child stays to be collected where possible."""
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
    """As `_wait`, where the system has no pidfd."""
    deadline = time.monotonic() + limit_s
    watched = [] if stop_fd is None else [stop_fd]
    while child.poll() is None:
        if time.monotonic() > deadline:
            return ""
        if select.select(watched, [], [], _POLL_S)[0]:
            return "stop"
    return "child"


def _finish(child: subprocess.Popen[bytes], why: Literal["", "time", "stop"]) -> Ending:
    """Kill what is left of the group, then collect the child: its number is not free before."""
    _signal_group(child.pid, signal.SIGKILL)
    return Ending(child.wait(), why)


def _signal_group(pid: int, number: signal.Signals) -> None:
    """Signal the group that a process leads; an inline one leads none and is signalled alone."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        try:
            os.killpg(pid, number)
        except ProcessLookupError:
            os.kill(pid, number)
