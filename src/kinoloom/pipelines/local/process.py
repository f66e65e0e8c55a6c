"""Child processes: begun in a group of their own, watched, and ended whole.

Where the system allows it a step sees its files at /opt/ml: the command is run through `unshare`
(util-linux) in a mount namespace of its own, with the step's folder bound there. Where not, the
same paths in the command and its environment are rewritten to the folder's real place.
"""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

ML = "/opt/ml"
Isolation = Literal["auto", "namespace", "plain"]

_POLL_S = 0.02
# $1 is the folder that becomes /opt/ml, $2 a place for the old /opt, $3 where to run; the rest is
# the command. Where /opt/ml is missing, /opt becomes a new folder with everything bound into it.
_BIND = """
set -e; ml=$1; old=$2; work=$3; shift 3
if [ ! -d /opt/ml ]; then
  mkdir -p "$old"; mount --rbind /opt "$old"; mount -t tmpfs -o mode=755 kinoloom /opt
  for from in "$old"/*; do
    to="/opt/${from##*/}"
    if [ -d "$from" ]; then mkdir "$to"; elif [ -e "$from" ]; then : > "$to"; else continue; fi
    mount --rbind "$from" "$to"
  done
  mkdir /opt/ml
fi
mount --bind "$ml" /opt/ml
cd "$work"
exec "$@"
"""


@dataclass(frozen=True)
class Command:
    """What to run for a step.

    Attributes:
        words: the program and its arguments.
        env: all of its environment.
        ml: the folder that it sees as /opt/ml.
        cwd: where it runs, a path below /opt/ml.
        limit_s: it is ended after this.
    """

    words: Sequence[str]
    env: Mapping[str, str]
    ml: Path
    cwd: str
    limit_s: float


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
        isolation: "auto" takes a namespace where the system allows it.
        stop_fd: a file descriptor; when it becomes readable the process is ended.
        begun: called with the process's number and its moment of start.
        grace_s: how long after SIGTERM the whole group is killed.

    Raises:
        OSError: the program cannot be started.
    """
    words, env, cwd = _placed(command, isolation)
    with log.open("ab") as output:
        child = subprocess.Popen(
            words,
            env=env,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
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


@cache
def namespaces_work() -> bool:
    """Whether this system lets a user bind folders in a namespace of their own."""
    if not Path("/opt").is_dir() or shutil.which("unshare") is None:
        return False
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        probe = ["sh", "-c", "mount -t tmpfs kinoloom /opt && mkdir /opt/ml"]
        done = subprocess.run([*_unshare(), *probe], capture_output=True, timeout=10)
        return done.returncode == 0
    return False


def _unshare() -> list[str]:
    words = ["unshare", "--mount", "--propagation", "private"]
    return words if os.geteuid() == 0 else [*words, "--user", "--map-root-user"]


def _placed(command: Command, isolation: Isolation) -> tuple[list[str], dict[str, str], str | None]:
    """Words, environment and folder, for a namespace or rewritten for none."""
    if isolation == "namespace" or (isolation == "auto" and namespaces_work()):
        old = command.ml.parent / "opt"
        bind = ["sh", "-c", _BIND, "sh", str(command.ml), str(old), command.cwd]
        return [*_unshare(), *bind, *command.words], dict(command.env), None

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
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)
