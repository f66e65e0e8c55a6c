"""Which process serves a folder: one at a time, by a lock that ends with the process."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from kinoloom.errors import ExecutionError

STATE_FOLDER = ".kinoloom"
"""In the first folder of a studio."""
_WAIT_S = 10.0


@dataclass(frozen=True)
class Running:
    """A running studio.

    Attributes:
        url: its address, without a token.
        pid: of its process.
        is_shared: whether people log in with passwords, and links are not valid.
    """

    url: str
    pid: int
    is_shared: bool = False


def claim_folder(state: Path) -> AbstractContextManager[None] | None:
    """Claim a folder for this process; None if another process serves it.

    Args:
        state: its .kinoloom.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    lock = os.open(state / "studio.lock", flags, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    return _hold(lock, state)


@contextmanager
def _hold(lock: int, state: Path) -> Iterator[None]:
    (state / "studio.json").unlink(missing_ok=True)
    try:
        yield
    finally:
        (state / "studio.json").unlink(missing_ok=True)
        os.close(lock)


def record_running(state: Path, running: Running) -> None:
    """Record the studio that this process serves."""
    file = state / "studio.json"
    draft = file.with_suffix(".new")
    draft.write_text(json.dumps(asdict(running)), encoding="utf-8")
    draft.chmod(0o600)
    draft.replace(file)


def find_running(state: Path) -> Running:
    """Return the studio that serves a folder; wait for one that is starting.

    Raises:
        ExecutionError: it does not answer.
    """
    end = time.monotonic() + _WAIT_S
    while time.monotonic() < end:
        try:
            return Running(**json.loads((state / "studio.json").read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            time.sleep(0.1)
    raise ExecutionError(
        f"Another process holds {state / 'studio.lock'}, but no studio answers.",
        hint="End that process, or wait until it has started.",
    )
