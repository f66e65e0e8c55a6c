"""A record of what is on the disk: which files and names would survive a power cut."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest


class Disk:
    """Watches flushes and renames, and reports names that a power cut could leave without content.

    Args:
        root: only names in this folder are watched.

    Attributes:
        unsafe: what a power cut could damage, as sentences; empty if all is well.
        published: the names that were assigned, in order.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.unsafe: list[str] = []
        self.published: list[str] = []
        self._flushed: set[tuple[int, ...]] = set()
        self._open_names: dict[int, list[str]] = {}

    def flush(self, handle: int) -> None:
        """Record that an open file or folder is on the disk."""
        found = os.fstat(handle)
        self._flushed.add(_version(found))
        self._open_names.pop(found.st_ino, None)

    def publish(self, source: Path, target: Path) -> None:
        """Record that a file or folder, of this name before, gets its final name."""
        if not target.is_relative_to(self.root) or ".kinoloom-" in str(target):
            return
        self.published.append(str(target.relative_to(self.root)))
        files = [Path(folder, name) for folder, _, names in os.walk(source) for name in names]
        same_stem = target.parent.glob(f"{target.stem}.*")  # a record describes its segment
        for file in files if source.is_dir() else [source, *same_stem]:
            if not file.is_symlink() and _version(file.stat()) not in self._flushed:
                self.unsafe.append(f"{file.name} got its name before its content was flushed")
        self._open_names.setdefault(target.parent.stat().st_ino, []).append(target.name)

    def check(self) -> None:
        """Fail if a power cut now could damage or lose a published file."""
        names = (name for names in self._open_names.values() for name in names)
        unsafe = [*self.unsafe, *(f"the folder of {name} is not flushed" for name in names)]
        assert not unsafe, unsafe


def _version(found: os.stat_result) -> tuple[int, ...]:
    """Identify a file and its content; a folder's flushes are recorded by `_open_names`."""
    return found.st_ino, found.st_size


@contextmanager
def watch_disk(root: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Disk]:
    """Watch what is flushed and renamed below a folder, and check it when the block ends."""
    disk = Disk(root)
    fsync, replace, rename = os.fsync, os.replace, os.rename

    def watched_fsync(handle: int) -> None:
        fsync(handle)
        disk.flush(handle)

    def watch_move(move: Any) -> Any:
        def watched(source: Any, target: Any, **more: Any) -> None:
            disk.publish(Path(source), Path(target))
            move(source, target, **more)

        return watched

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", watched_fsync)
        patched.setattr(os, "replace", watch_move(replace))
        patched.setattr(os, "rename", watch_move(rename))
        yield disk
    disk.check()
