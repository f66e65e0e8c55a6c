"""The store of contents: what is equal is kept once, under the SHA-256 of its bytes.

`cas/ab/cdef...` holds blobs. A tree is a blob too: a JSON list of [path, size, digest, executable]
in the order of paths, so equal folders have equal digests. Blobs appear whole (they are linked or
renamed into place), are read-only and carry one fixed time: one whose size or time differs was
changed by somebody and counts as missing.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from kinoloom.errors import OutputError
from kinoloom.pipelines.local.objects import clear

_TIME_NS = 1_600_000_000 * 10**9
_SETTLED_NS = 2 * 10**9  # clocks of files are coarse: a younger file may change unseen


@dataclass(frozen=True)
class Entry:
    """A file of a tree: its path within, size in bytes, digest and whether it may be executed."""

    path: str
    size: int
    digest: str
    executable: bool


class Store:
    """The blobs below one folder; several processes may use it at once.

    Args:
        root: the folder.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._known: dict[tuple[str, int, int, int], str] = {}

    def digest_of(self, path: Path) -> str:
        """The digest of a file or folder as a tree, without keeping it.

        A file is the tree of its name alone. A file's digest is remembered while its inode, size
        and time stay the same, once it is two seconds old.

        Raises:
            OutputError: it holds something that is neither a file nor a folder.
        """
        return _digest(_listing([self._entry(name, file) for name, file in files_in(path)]))

    def keep(self, path: Path) -> str:
        """Keep a file or folder and give the digest of its tree; the files become the blobs.

        Raises:
            OutputError: it holds something that is neither a file nor a folder.
        """
        entries = []
        for name, file in files_in(path):
            entry = self._entry(name, file)
            self._adopt(file, entry)
            entries.append(entry)
        listing = _listing(entries)
        digest = _digest(listing)
        blob = self._blob(digest)
        if not blob.exists():
            part = self._part(digest)
            part.write_bytes(listing)
            part.replace(blob)
        return digest

    def tree(self, digest: str) -> list[Entry] | None:
        """The entries of a kept tree; None when it or one of its blobs is gone or was changed."""
        blob = self._blob(digest)
        if not blob.is_file():
            return None
        listing = blob.read_bytes()
        if _digest(listing) != digest:
            return None
        entries = [Entry(*item) for item in json.loads(listing)]
        return entries if all(self._sound(entry) for entry in entries) else None

    def lay_out(self, entries: list[Entry], target: Path) -> None:
        """Make a tree appear at `target`, in place of what is there; files are hard links."""
        clear(target)
        target.mkdir(parents=True, exist_ok=True)
        for entry in entries:
            place = target / entry.path
            place.parent.mkdir(parents=True, exist_ok=True)
            _link(self._blob(entry.digest), place)

    def blobs(self) -> Iterator[Path]:
        """The files of all blobs."""
        yield from (path for path in self.root.glob("??/*") if path.is_file())

    def _entry(self, name: str, file: Path) -> Entry:
        facts = file.stat()
        seen = (str(file), facts.st_ino, facts.st_size, facts.st_mtime_ns)
        digest = self._known.get(seen) or file_digest(file)
        if time.time_ns() - facts.st_mtime_ns > _SETTLED_NS:
            self._known[seen] = digest
        return Entry(name, facts.st_size, digest, bool(facts.st_mode & 0o100))

    def _adopt(self, file: Path, entry: Entry) -> None:
        if self._sound(entry):
            return
        part, blob = self._part(entry.digest), self._blob(entry.digest)
        _link(file, part)
        part.chmod(0o555 if entry.executable else 0o444)
        os.utime(part, ns=(_TIME_NS, _TIME_NS))
        part.replace(blob)

    def _sound(self, entry: Entry) -> bool:
        try:
            facts = self._blob(entry.digest).stat()
        except FileNotFoundError:
            return False
        return facts.st_size == entry.size and facts.st_mtime_ns == _TIME_NS

    def _blob(self, digest: str) -> Path:
        return self.root / digest[:2] / digest[2:]

    def _part(self, digest: str) -> Path:
        """A name in the folder of a blob under which it grows."""
        folder = self._blob(digest).parent
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f".{os.urandom(6).hex()}.part"


def file_digest(file: Path) -> str:
    """The SHA-256 of a file's content as 64 hexadecimal digits."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def copy_in(source: Path, target: Path) -> None:
    """Copy a file into a folder, or a folder to a place, so that a step may change it."""
    if source.is_dir():
        shutil.copytree(source, target, copy_function=_copy, dirs_exist_ok=True)
        for folder, _, names in os.walk(target):
            for name in names:
                _make_writable(Path(folder, name))
    else:
        target.mkdir(parents=True, exist_ok=True)
        _copy(str(source), str(target / source.name))
        _make_writable(target / source.name)


def _copy(source: str, target: str) -> None:
    shutil.copyfile(source, target)
    shutil.copymode(source, target)


def _make_writable(file: Path) -> None:
    file.chmod(file.stat().st_mode | 0o200)


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without links
        _copy(str(source), str(target))
        os.utime(target, ns=(source.stat().st_atime_ns, source.stat().st_mtime_ns))


def files_in(path: Path) -> list[tuple[str, Path]]:
    """The files at or below a path with their names in the tree, in order; links must stay within.

    Raises:
        OutputError: it holds something that is neither a file nor a folder of its own.
    """
    if path.is_file():
        return [(path.name, path)]
    found = []
    base = path.resolve()
    for folder, _, names in os.walk(path):
        for name in names:
            file = Path(folder, name)
            if not file.is_file() or not file.resolve().is_relative_to(base):
                raise OutputError(f"{file} is neither a file nor a folder of its own.")
            found.append((file.relative_to(path).as_posix(), file))
    return sorted(found, key=lambda item: PurePosixPath(item[0]).parts)


def _listing(entries: list[Entry]) -> bytes:
    rows = [[e.path, e.size, e.digest, e.executable] for e in entries]
    return json.dumps(rows, separators=(",", ":")).encode()


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
