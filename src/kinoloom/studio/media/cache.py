"""Files that can be made again, by the version of the file they were made from.

They are in .kinoloom/cache/media, and may be deleted at any time. The least recently used ones are
removed when they take too much room.
"""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path

LIMIT_BYTES = 8_000_000_000
_KEPT_PART = 0.8
"""So much of the limit is kept when it is exceeded."""
_SAVES_PER_CHECK = 200


class Cache:
    """The cache of a studio; its methods may be called from any thread.

    Args:
        folder: its own; created with the first file.
        limit_bytes: for all files.
    """

    def __init__(self, folder: Path, *, limit_bytes: int = LIMIT_BYTES) -> None:
        self._folder, self._limit = folder, limit_bytes
        self._saves = 0

    def path(self, key: str, name: str) -> Path:
        """Return where a file is, or will be.

        Args:
            key: of the version of the original.
            name: of what was made from it, such as "thumb-320".
        """
        return self._folder / key[:2] / f"{key}.{name}"

    def prepare(self, key: str, name: str) -> Path:
        """Return where a file will be, in a folder that exists.

        Raises:
            OSError: the folder cannot be written.
        """
        path = self.path(key, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def open(self, key: str, name: str) -> int | None:
        """Open a file for reading and return its descriptor, or None."""
        path = self.path(key, name)
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError:
            return None
        with suppress(OSError):  # a cache on a read-only disk keeps no order
            os.utime(descriptor)
        return descriptor

    def read(self, key: str, name: str) -> bytes | None:
        """Return the content of a file, or None."""
        descriptor = self.open(key, name)
        if descriptor is None:
            return None
        with os.fdopen(descriptor, "rb") as file:
            return file.read()

    def save(self, key: str, name: str, data: bytes) -> None:
        """Save a file, completely or not at all; without room on the disk, nothing is saved."""
        with suppress(OSError):  # what is not kept is made again
            path = self.prepare(key, name)
            draft = path.with_name(f".{secrets.token_hex(8)}")
            try:
                draft.write_bytes(data)
                draft.replace(path)
            finally:
                draft.unlink(missing_ok=True)
        self.note_save()

    def note_save(self) -> None:
        """Count a saved file, and remove old ones from time to time."""
        self._saves += 1
        if self._saves % _SAVES_PER_CHECK == 1:
            self.trim()

    def trim(self) -> None:
        """Remove the least recently used files if all together exceed the limit."""
        found: list[tuple[int, int, Path]] = []
        for path in self._folder.glob("*/*"):
            with suppress(OSError):  # another thread removed it
                state = path.stat()
                found.append((state.st_mtime_ns, state.st_size, path))
        total = sum(size for _, size, _ in found)
        if total <= self._limit:
            return
        for _, size, path in sorted(found):
            with suppress(OSError):
                path.unlink()
            total -= size
            if total <= self._limit * _KEPT_PART:
                return
