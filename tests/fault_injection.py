"""Failure injection: the n-th call of a family fails, for n = 1, 2, 3, ... until none does.

SQLite's method (https://www.sqlite.org/testing.html, "Anomaly testing"). After each failure the
work must have ended with a `KinoloomError`, without damage to earlier outputs, and must succeed
when it is repeated. FFmpeg writes its files through Python's during an injection.
"""

from __future__ import annotations

import builtins
import errno
import io
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from kinoloom.base.clip import Frame
from kinoloom.errors import KinoloomError

_BLOCK_BYTES = 512
_OPEN = os.open
Content = Mapping[str, object]
"""What is in a folder, by file name."""


@dataclass
class Fault:
    """An error that the n-th call raises.

    Attributes:
        at: n, from 1.
        error: the error.
        root: calls on files elsewhere are not counted.
        calls: the number of calls so far.
    """

    at: int
    error: BaseException
    root: Path
    calls: int = 0

    @property
    def is_raised(self) -> bool:
        """Whether there was an n-th call."""
        return self.calls >= self.at

    def count(self, path: object = None) -> None:
        """Count a call, and raise the error if it is the n-th."""
        if path is not None and not _is_below(path, self.root):
            return
        self.calls += 1
        if self.calls == self.at:
            raise self.error


Patch = Callable[[pytest.MonkeyPatch, Fault], None]


@dataclass(frozen=True)
class Family:
    """Calls that may fail in one way: how they are patched, and the errors that they raise."""

    patch: Patch
    errors: tuple[BaseException, ...]


class _File:
    """A file whose writes are counted."""

    def __init__(self, file: Any, path: object, fault: Fault) -> None:
        self._file, self._path, self._fault = file, path, fault

    def write(self, data: Any) -> int:
        self._fault.count(self._path)
        return int(self._file.write(data))

    def __enter__(self) -> _File:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def __iter__(self) -> Iterator[Any]:
        return iter(self._file)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


class _MediaFile:
    """A file that FFmpeg writes; each block that it grows by counts as a call, as on a disk."""

    def __init__(self, path: str, fault: Fault) -> None:
        self.name, self._path, self._fault = path, path, fault
        self._handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o666)
        self._blocks = 0

    def write(self, data: bytes) -> int:
        while self._blocks * _BLOCK_BYTES < self.tell() + len(data):
            self._blocks += 1
            self._fault.count(self._path)
        return os.write(self._handle, data)

    def read(self, size: int) -> bytes:
        return os.read(self._handle, size)

    def seek(self, position: int, whence: int = 0) -> int:
        return os.lseek(self._handle, position, whence)

    def tell(self) -> int:
        return os.lseek(self._handle, 0, os.SEEK_CUR)

    def __del__(self) -> None:
        os.close(self._handle)


def _patch_writes(patched: pytest.MonkeyPatch, fault: Fault) -> None:
    real_open, real_av_open = io.open, av.open

    def open_file(path: Any, mode: str = "r", *more: Any, **options: Any) -> Any:
        file = real_open(path, mode, *more, **options)
        is_output = set(mode) & set("wxa+") and _is_below(path, fault.root)
        return _File(file, path, fault) if is_output else file

    def open_media(file: Any, mode: str = "r", **options: Any) -> Any:
        if mode == "w":
            file = _MediaFile(file.removeprefix("file:"), fault)
        return real_av_open(file, mode, **options)

    patched.setattr(io, "open", open_file)
    patched.setattr(builtins, "open", open_file)
    patched.setattr(av, "open", open_media)


def _patch_system(*names: str) -> Patch:
    """Return a patch of functions of `os`; their last path, or their file handle, is counted."""

    def patch(patched: pytest.MonkeyPatch, fault: Fault) -> None:
        for name in names:
            patched.setattr(os, name, _counting(getattr(os, name), fault))

    return patch


def _counting(function: Callable[..., Any], fault: Fault) -> Callable[..., Any]:
    def call(*arguments: Any, **options: Any) -> Any:
        if function is _OPEN and not arguments[1] & os.O_CREAT:
            return function(*arguments, **options)
        paths = [one for one in arguments if isinstance(one, str | Path)]
        fault.count(paths[-1] if paths else Path(f"/proc/self/fd/{arguments[0]}"))
        return function(*arguments, **options)

    return call


def _patch_memory(patched: pytest.MonkeyPatch, fault: Fault) -> None:
    real = Frame.__post_init__

    def create(frame: Frame) -> None:
        fault.count()
        real(frame)

    patched.setattr(Frame, "__post_init__", create)
    stack = np.stack

    def create_array(*arguments: Any, **options: Any) -> Any:
        fault.count()
        return stack(*arguments, **options)

    patched.setattr(np, "stack", create_array)


_FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
_BROKEN = OSError(errno.EIO, os.strerror(errno.EIO))
_NONE = Family(lambda patched, fault: None, ())
FAMILIES = {
    "write": Family(_patch_writes, (_FULL, _BROKEN)),
    "flush": Family(_patch_system("fsync"), (_FULL, _BROKEN)),
    "rename": Family(_patch_system("replace", "rename", "link"), (_FULL, _BROKEN)),
    "create": Family(_patch_system("mkdir", "open"), (_FULL,)),
    "memory": Family(_patch_memory, (MemoryError(),)),
}


@contextmanager
def inject(family: Family, fault: Fault) -> Iterator[None]:
    """Let the n-th call of a family fail during the block; nothing is flushed, to save time."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(os, "fsync", lambda handle: None)
        family.patch(patched, fault)
        yield


@dataclass(frozen=True)
class Work:
    """Work on a folder.

    Attributes:
        run: does the work in the folder, replacing the outputs of an earlier run.
        read: returns the outputs in the folder, without what the work keeps for a resume.
        keeps: names that failed work may leave next to its outputs, for a resume.
        prepare: fills the folder before the work.
        is_movable: whether the folder may be copied after the work.
    """

    run: Callable[[Path], object]
    read: Callable[[Path], Content]
    keeps: tuple[str, ...] = ()
    prepare: Callable[[Path], object] = field(default=lambda folder: None)
    is_movable: bool = True


def check_all_failures(
    work: Work, name: str, folder: Path, variants: tuple[bool, ...] = (False, True)
) -> int:
    """Check the work with a failure at each call of a family; return the number of failures.

    Args:
        work: what is checked.
        name: of the family.
        folder: an empty folder.
        variants: whether the work's folder has the outputs of an earlier run.
    """
    complete = folder / "complete"
    complete.mkdir()
    work.prepare(complete)
    with inject(_NONE, Fault(0, MemoryError(), complete)):
        work.run(complete)
    failures = 0
    for is_repeated in variants:
        for at in count(1):
            place = folder / f"{is_repeated}-{at}"
            if is_repeated and work.is_movable:
                shutil.copytree(complete, place, symlinks=True)
            else:
                place.mkdir()
                work.prepare(place)
            if is_repeated and not work.is_movable:
                with inject(_NONE, Fault(0, MemoryError(), place)):
                    work.run(place)
            error = FAMILIES[name].errors[at % len(FAMILIES[name].errors)]
            fault = Fault(at, type(error)(*error.args), place)
            _check_failure(work, FAMILIES[name], fault, complete)
            if not fault.is_raised:
                break
            failures += 1
    return failures


def _check_failure(work: Work, family: Family, fault: Fault, complete: Path) -> None:
    """Check one failure in the folder `fault.root`; `complete` is one without a failure."""
    where = f"call {fault.at} raises {fault.error!r}"
    expected, before = work.read(complete), work.read(fault.root)
    names = {entry.name for entry in fault.root.iterdir()}
    failed: KinoloomError | None = None
    with inject(family, fault):
        try:
            work.run(fault.root)
        except KinoloomError as caught:
            failed = caught
    found = work.read(fault.root)
    left = {entry.name for entry in fault.root.iterdir()} - names
    if failed is None:
        assert found == expected, where
    else:
        assert str(failed), where
        assert found in (before, expected), f"{where}: {failed}"
    if found == before != expected:
        assert left <= set(work.keeps), f"{left} is left after {where}: {failed}"
    with inject(_NONE, fault):
        work.run(fault.root)
    assert work.read(fault.root) == expected, f"repeated after {where}"
    left = {entry.name for entry in fault.root.iterdir()}
    left -= {entry.name for entry in complete.iterdir()}
    assert left <= set(work.keeps), f"{left} is left by the run after {where}"


def _is_below(path: object, root: Path) -> bool:
    with suppress(TypeError):
        return os.path.realpath(os.fspath(path)).startswith(f"{root}/")  # type: ignore[arg-type]
    return False
