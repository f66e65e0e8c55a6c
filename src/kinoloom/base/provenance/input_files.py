"""Input files: hashes of files, and whether a file is still the one that was read.

The state of a file is what the system stores about it apart from its content: device, inode, size
and times. It is different after the file was replaced, truncated, appended to or modified in place,
also if the modification time was restored afterwards.
"""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Protocol

from kinoloom.errors import InputChangedError

_CHUNK_BYTES = 1 << 20


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file's content as 64 hexadecimal digits."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_CHUNK_BYTES):
            digest.update(block)
    return digest.hexdigest()


class Watched(Protocol):
    """Something that is read, and must not change meanwhile."""

    def find_change(self) -> str:
        """Return a clause on what has changed, or ""."""


class InputFiles:
    """Files whose content must not change while work that reads them runs.

    Args:
        paths: the files; those that do not exist, and folders, are ignored.
        others: what else must not change.
    """

    def __init__(self, paths: Iterable[Path], others: Iterable[Watched] = ()) -> None:
        states = ((path, _read_state(path)) for path in paths)
        self._states = {path: state for path, state in states if state is not None}
        self._others = tuple(others)
        self._digests: dict[Path, str] = {}

    def hash(self, path: Path) -> str:
        """Return the SHA-256 of one of the files, computed on first use."""
        if path not in self._digests:
            self._digests[path] = sha256(path)
        return self._digests[path]

    def find_change(self) -> str:
        """Return a clause on a file that has changed, such as "in.mp4 was replaced", or ""."""
        own = map(self._describe_change, list(self._states))
        return next(filter(None, chain(own, (other.find_change() for other in self._others))), "")

    def check(self, cause: Exception | None = None) -> None:
        """Check that no file has changed.

        Args:
            cause: an error that a change explains.

        Raises:
            InputChangedError: a file was replaced, truncated, appended to, modified or removed.
        """
        if change := self.find_change():
            raise InputChangedError(
                f"{change} while it was read.",
                hint="Run the command again when no other program writes this file.",
            ) from cause

    @contextmanager
    def guard(self) -> Iterator[None]:
        """Check the files when the block ends, also with an error, which a change then explains.

        Raises:
            InputChangedError: as `check`.
        """
        try:
            yield
        except InputChangedError:
            raise
        except Exception as error:
            self.check(error)
            raise
        self.check()

    @contextmanager
    def as_inputs_of_job(self) -> Iterator[None]:
        """Let `check_job_inputs` check these files while the block runs."""
        token = _of_job.set(self)
        try:
            yield
        finally:
            _of_job.reset(token)

    def _describe_change(self, path: Path) -> str:
        before, now = self._states[path], _read_state(path)
        if now == before:
            return ""
        if now is None:
            return f"{path} was removed"
        if (now.device, now.inode) != (before.device, before.inode):
            return f"{path} was replaced"
        if now.size_bytes != before.size_bytes:
            verb = "was truncated" if now.size_bytes < before.size_bytes else "grew"
            return f"{path} {verb} from {before.size_bytes} to {now.size_bytes} bytes"
        is_written = now.modified_ns != before.modified_ns
        if is_written or path not in self._digests or sha256(path) != self._digests[path]:
            return f"{path} was modified"
        self._states[path] = now  # only its name, its mode or the number of its links has changed
        return ""


_of_job: ContextVar[InputFiles | None] = ContextVar("inputs of the job", default=None)


def check_job_inputs() -> None:
    """Check the inputs of the job that runs in this thread, if any, before its result is published.

    Raises:
        InputChangedError: as `InputFiles.check`.
    """
    files = _of_job.get()
    if files is not None:
        files.check()


class ManyInputFiles:
    """Many files that must not change, such as a data set; remembers less of each to save memory.

    Args:
        paths: the files; those that do not exist are ignored.
    """

    def __init__(self, paths: Iterable[Path]) -> None:
        states = ((str(path), _read_state(path)) for path in paths)
        self._states = {name: _shorten(state) for name, state in states if state is not None}

    def find_change(self) -> str:
        """Return a clause on the first file that has changed, or ""."""
        for name, before in self._states.items():
            now = _read_state(Path(name))
            if now is None or _shorten(now) != before:
                return f"{name} was {'removed' if now is None else 'replaced or modified'}"
        return ""


def _shorten(state: _State) -> int:
    """Return a number that differs if a file was replaced or written; links do not change it."""
    return hash((state.device, state.inode, state.size_bytes, state.modified_ns))


@dataclass(frozen=True)
class _State:
    """The state of a file; times in nanoseconds."""

    device: int
    inode: int
    size_bytes: int
    modified_ns: int
    changed_ns: int


def _read_state(path: Path) -> _State | None:
    """Return the state of a file; None if it does not exist or is not a regular file."""
    try:
        found = path.stat()
    except (OSError, ValueError):  # reading reports it
        return None
    if not stat.S_ISREG(found.st_mode):
        return None
    return _State(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
