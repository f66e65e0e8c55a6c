"""The content store: equal content is stored once, under the SHA-256 of its bytes.

`cas/ab/cdef...` are blobs. A tree is a blob too: a JSON list of [path, size, digest, executable],
sorted by path, so equal folders have equal digests. Blobs are written atomically, are read-only and
have one fixed modification time: a blob with another size or time was changed and counts as
missing.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from kinoloom.base.outputs.sync import sync_file, sync_files
from kinoloom.errors import OutputError
from kinoloom.pipelines.local.storage.objects import (
    folders_of_new_name,
    new_file,
    rejecting_conflicts,
)
from kinoloom.pipelines.local.storage.step_folder import StepFolder

_TIME_NS = 1_600_000_000 * 10**9
SETTLED_NS = 2 * 10**9  # file times are coarse: younger files may change unnoticed


@dataclass(frozen=True)
class Entry:
    """A file of a tree: its path in the tree, size in bytes, digest and executable bit."""

    path: str
    size: int
    digest: str
    executable: bool


class Store:
    """The blobs in one folder; several processes may use it at the same time.

    Args:
        root: The folder.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._digests: dict[tuple[str, int, int, int], str] = {}

    def digest_of(self, path: Path) -> str:
        """Return the digest of a file's or folder's tree without storing it.

        A file is a tree with that one file. Digests of files older than two seconds are cached by
        inode, size and time.

        Raises:
            OutputError: The folder has something that is neither a file nor a folder.
        """
        return _digest(_listing([self._entry(name, file) for name, file in files_in(path)]))

    def keep(self, folder: StepFolder, changed: set[Path]) -> str:
        """Store a folder and return its tree's digest; files of this user become the blobs.

        Args:
            folder: The folder.
            changed: Receives the folders to flush, before the state refers to the tree.

        Raises:
            OutputError: See `StepFolder.files`; or a file was replaced meanwhile.
        """
        entries = []
        with self._new_blobs(changed) as parts:
            for name, inner in folder.files():
                with folder.open(inner) as file:
                    stat = os.fstat(file.fileno())
                    digest = hashlib.file_digest(file, "sha256").hexdigest()
                    entry = Entry(name, stat.st_size, digest, bool(stat.st_mode & 0o100))
                    if not self._is_intact(entry):
                        parts.append((self._part(digest), digest))
                        self._adopt(folder.path / inner, file, entry, parts[-1][0])
                entries.append(entry)
            listing = _listing(entries)
            digest = _digest(listing)
            if not self._blob(digest).exists():
                parts.append((self._part(digest), digest))
                parts[-1][0].write_bytes(listing)
        return digest

    def tree(self, digest: str) -> list[Entry] | None:
        """Return a stored tree's entries; None if the tree or a blob is missing or was changed."""
        blob = self._blob(digest)
        if not blob.is_file():
            return None
        listing = blob.read_bytes()
        if _digest(listing) != digest:
            return None
        entries = [Entry(*item) for item in json.loads(listing)]
        return entries if all(self._is_intact(entry) for entry in entries) else None

    def lay_out(self, entries: list[Entry], target: Path, changed: set[Path]) -> None:
        """Add a tree to the folder `target`; files are hard links.

        As in S3, a file replaces the file of the same name, and all other files are kept: they may
        be the user's or those of another step.

        Args:
            entries: The files.
            target: The folder.
            changed: Receives the folders to flush, before the state refers to the files.

        Raises:
            OutputError: A file is where a folder must be, or the reverse.
        """
        with rejecting_conflicts(target):
            changed |= folders_of_new_name(target)
            target.mkdir(parents=True, exist_ok=True)
            for entry in entries:
                changed |= folders_of_new_name(target / entry.path)
                _place(self._blob(entry.digest), target / entry.path)

    def blobs(self) -> Iterator[Path]:
        """Yield the files of all blobs."""
        yield from (path for path in self.root.glob("??/*") if path.is_file())

    def _entry(self, name: str, file: Path) -> Entry:
        stat = file.stat()
        key = (str(file), stat.st_ino, stat.st_size, stat.st_mtime_ns)
        digest = self._digests.get(key) or file_digest(file)
        if time.time_ns() - stat.st_mtime_ns > SETTLED_NS:
            self._digests[key] = digest
        return Entry(name, stat.st_size, digest, bool(stat.st_mode & 0o100))

    @contextmanager
    def _new_blobs(self, changed: set[Path]) -> Iterator[list[tuple[Path, str]]]:
        """Yield a list of temporary files with their digests, which become blobs if all goes well.

        They are on the disk before they do, so a blob is complete even after a power cut. `changed`
        receives their folders.
        """
        parts: list[tuple[Path, str]] = []
        try:
            yield parts
            sync_files(part for part, _ in parts)
            for part, digest in parts:
                changed |= {part.parent, self.root}
                part.replace(self._blob(digest))
        finally:
            for part, _ in parts:
                part.unlink(missing_ok=True)  # also after `replace` between links to one file

    def _adopt(self, path: Path, file: BinaryIO, entry: Entry, part: Path) -> None:
        """Turn an open file into a part; `path` is where it was opened."""
        stat = os.fstat(file.fileno())
        # Another link to the file may be a file of the user, whose mode and time must not change.
        if stat.st_nlink == 1 and stat.st_uid == os.geteuid():
            _link(path, part)
        else:
            file.seek(0)
            with part.open("wb") as copy:
                shutil.copyfileobj(file, copy)
        self._check_part(part, stat, entry)
        part.chmod(0o555 if entry.executable else 0o444)
        os.utime(part, ns=(_TIME_NS, _TIME_NS))

    def _check_part(self, part: Path, stat: os.stat_result, entry: Entry) -> None:
        """Raise OutputError unless it is the file or has its content."""
        found = part.lstat()
        is_file = found.st_dev == stat.st_dev and found.st_ino == stat.st_ino
        if is_file or (found.st_nlink == 1 and file_digest(part) == entry.digest):
            return
        raise OutputError(f"'{entry.path}' was replaced while it was stored.")

    def _is_intact(self, entry: Entry) -> bool:
        try:
            stat = self._blob(entry.digest).stat()
        except FileNotFoundError:
            return False
        return stat.st_size == entry.size and stat.st_mtime_ns == _TIME_NS

    def _blob(self, digest: str) -> Path:
        return self.root / digest[:2] / digest[2:]

    def _part(self, digest: str) -> Path:
        """Return a temporary path in a blob's folder."""
        folder = self._blob(digest).parent
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f".{os.urandom(6).hex()}.part"


def file_digest(file: Path) -> str:
    """Return the SHA-256 of a file's content as 64 hexadecimal digits."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def copy_in(source: Path, target: Path) -> None:
    """Copy a file into the folder `target`, or a folder to it, so that a step may change it."""
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


def _place(source: Path, target: Path) -> None:
    """Link or copy a file to a path, replacing a file there, in one step that readers can see."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:  # the file exists, or see `_link`
        with new_file(target) as part:
            _link(source, part)


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without hard links
        _copy(str(source), str(target))
        sync_file(target)
        os.utime(target, ns=(source.stat().st_atime_ns, source.stat().st_mtime_ns))


def files_in(path: Path) -> list[tuple[str, Path]]:
    """Return the files of a tree with their names in it, sorted; links must not leave the folder.

    Raises:
        OutputError: The folder has something that is neither a file nor a folder.
    """
    if path.is_file():
        return [(path.name, path)]
    found = []
    base = path.resolve()
    for folder, folders, names in os.walk(path):
        for name in folders:
            if not Path(folder, name).resolve().is_relative_to(base):
                raise OutputError(f"{Path(folder, name)} must not be a link out of {path}.")
        for name in names:
            file = Path(folder, name)
            if not file.is_file() or not file.resolve().is_relative_to(base):
                raise OutputError(f"{file} must be a file, or a link to one within {path}.")
            found.append((file.relative_to(path).as_posix(), file))
    return sorted(found, key=lambda item: PurePosixPath(item[0]).parts)


def _listing(entries: list[Entry]) -> bytes:
    rows = [[e.path, e.size, e.digest, e.executable] for e in entries]
    return json.dumps(rows, separators=(",", ":")).encode()


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
