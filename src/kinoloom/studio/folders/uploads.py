"""Uploads: pieces of a file are appended to a hidden file, which is renamed when complete.

An interrupted upload resumes where it stopped, also after the server or the browser was closed.
What was received is in the folder of the file, so that the last step is a rename on one disk.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import time
from contextlib import suppress
from dataclasses import dataclass

from kinoloom.base.units import format_bytes
from kinoloom.errors import InputNotFoundError, UsageError
from kinoloom.studio.folders.moving import move_to_free_name, naming_errors
from kinoloom.studio.folders.names import clean_name
from kinoloom.studio.folders.tree import Tree
from kinoloom.studio.responses import RequestError
from kinoloom.studio.state.database import Database, Row

KEPT_FREE_BYTES = 1_000_000_000
"""Uploads leave this much of the disk free."""
KEPT_S = 7 * 24 * 3600
"""What an interrupted upload has received is kept this long."""
_WRITE = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
_BLOCK_BYTES = 1 << 20


@dataclass(frozen=True)
class Piece:
    """What a request declares about the bytes that it sends.

    Attributes:
        path: of the file, with a clean name.
        offset: of the first byte in the file.
        length: number of bytes.
        total: size of the file.
        sha256: of the whole file, or "" if unknown.
    """

    path: str
    offset: int
    length: int
    total: int
    sha256: str = ""


class OffsetError(RequestError):
    """The piece does not begin where the file ends; `offset` is where it does."""

    def __init__(self, offset: int) -> None:
        super().__init__(409, f"The next byte is {offset:,}.", "Send the rest from there on.")
        self.offset = offset


class Uploads:
    """The uploads of a server; its methods may be called from any thread.

    Args:
        tree: the folders.
        database: remembers uploads that are not complete.
        limit: largest file in bytes.
    """

    def __init__(self, tree: Tree, database: Database, limit: int) -> None:
        self._tree, self._database, self.limit = tree, database, limit
        self._active: set[str] = set()
        self._digests: dict[str, tuple[int, hashlib._Hash]] = {}

    def find(self, path: str) -> tuple[int, int]:
        """Return how many bytes of a file have been received, and its size; zeros if none."""
        row = self._database.find("SELECT * FROM uploads WHERE path = ?", path)
        if row is None:
            return 0, 0
        with self._tree.open_parent(path) as (folder, _):
            return _size(folder, row["temporary"]), row["total"]

    def begin(self, piece: Piece) -> Receiver:
        """Prepare to receive a piece; a piece at offset 0 begins the file anew.

        Raises:
            RequestError: the file is too large (413), the sizes contradict each other (400), or
                another request is sending it (409).
            OffsetError: the piece does not begin where the file ends.
            InputNotFoundError: the folder does not exist.
            OutputError: the disk has too little space, or cannot be written.
        """
        self._check(piece)
        if piece.path in self._active:
            raise RequestError(409, "This file is being uploaded already.", "Wait for its end.")
        self._active.add(piece.path)
        try:
            return self._open(piece)
        except BaseException:
            self._active.discard(piece.path)
            raise

    def discard(self, path: str) -> None:
        """Remove what an upload that is not complete has left.

        Raises:
            RequestError: a request is sending it.
        """
        if path in self._active:
            raise RequestError(409, "This file is being uploaded.", "Cancel that first.")
        row = self._database.find("SELECT * FROM uploads WHERE path = ?", path)
        if row is not None:
            self._remove(row)

    def _check(self, piece: Piece) -> None:
        if piece.total > self.limit:
            raise RequestError(
                413,
                f"The file has {format_bytes(piece.total)}; at most {format_bytes(self.limit)} "
                "can be uploaded.",
                "Copy it into the folder, or start the studio with a larger --upload-limit.",
            )
        if piece.offset + piece.length > piece.total:
            raise RequestError(
                400, f"The piece ends after the declared size of {piece.total:,} bytes."
            )

    def _open(self, piece: Piece) -> Receiver:
        with self._tree.open_parent(piece.path) as (folder, name), naming_errors(piece.path):
            temporary = self._find_temporary(piece, folder)
            _check_space(folder, piece)
            file = os.open(temporary, _WRITE, 0o666, dir_fd=folder)
            os.ftruncate(file, piece.offset)
            os.lseek(file, piece.offset, os.SEEK_SET)
            digest = self._digest(piece, folder, temporary)
            place = (os.dup(folder), temporary, name)
            return Receiver(self, piece, file, place, digest)

    def _find_temporary(self, piece: Piece, folder: int) -> str:
        """Return the name of the hidden file, and check that it ends where the piece begins."""
        row = self._database.find("SELECT * FROM uploads WHERE path = ?", piece.path)
        size = _size(folder, row["temporary"]) if row and row["total"] == piece.total else 0
        if piece.offset not in (0, size):
            raise OffsetError(size)
        if row is not None:
            self._database.execute(
                "UPDATE uploads SET total = ? WHERE path = ?", piece.total, piece.path
            )
            return str(row["temporary"])
        self._forget_old()
        temporary = f".{secrets.token_hex(8)}.upload"
        self._database.execute(
            "INSERT INTO uploads VALUES (?, ?, ?, ?)",
            *(piece.path, temporary, piece.total, time.time()),
        )
        return temporary

    def _digest(self, piece: Piece, folder: int, temporary: str) -> hashlib._Hash:
        """Return the running SHA-256 of what comes before a piece."""
        position, digest = self._digests.get(piece.path, (-1, hashlib.sha256()))
        if position == piece.offset:
            return digest
        digest = hashlib.sha256()
        if piece.offset:
            with os.fdopen(os.open(temporary, _READ, dir_fd=folder), "rb") as file:
                while block := file.read(_BLOCK_BYTES):
                    digest.update(block)
        return digest

    def _forget_old(self) -> None:
        """Remove what uploads left that have been interrupted for long."""
        limit = time.time() - KEPT_S
        for row in self._database.query("SELECT * FROM uploads WHERE started < ?", limit):
            self._remove(row)

    def _remove(self, row: Row) -> None:
        with suppress(OSError), self._tree.open_parent(row["path"]) as (folder, _):
            os.unlink(row["temporary"], dir_fd=folder)
        self._forget(row["path"])

    def _forget(self, path: str) -> None:
        self._digests.pop(path, None)
        self._database.execute("DELETE FROM uploads WHERE path = ?", path)


class Receiver:
    """Receives one piece; created by `Uploads.begin`."""

    def __init__(
        self,
        uploads: Uploads,
        piece: Piece,
        file: int,
        place: tuple[int, str, str],
        digest: hashlib._Hash,
    ) -> None:
        self._uploads, self._piece, self._file, self._digest = uploads, piece, file, digest
        self._folder, self._temporary, self._name = place
        self.position = piece.offset

    def write(self, data: bytes) -> None:
        """Append bytes.

        Raises:
            RequestError: more than were declared.
            OutputError: the disk is full or cannot be written.
        """
        end = self._piece.offset + self._piece.length
        if self.position + len(data) > end:
            raise RequestError(400, "The request is longer than it declared.")
        with naming_errors(self._piece.path):
            view = memoryview(data)
            while view:
                written = os.write(self._file, view)
                self._digest.update(view[:written])
                self.position += written
                view = view[written:]

    def finish(self) -> str | None:
        """Return the path of the file if it is complete now, else None.

        Its name gets a number if it is in use.

        Raises:
            RequestError: the content has another SHA-256 than declared (422); it is discarded.
            OutputError: the disk is full or cannot be written.
        """
        if self.position < self._piece.total:
            return None
        with naming_errors(self._piece.path):
            expected = self._piece.sha256
            if expected and self._digest.hexdigest() != expected:
                os.unlink(self._temporary, dir_fd=self._folder)
                self._uploads._forget(self._piece.path)
                raise RequestError(
                    422, f"'{self._name}' has not arrived as it was sent.", "Send it again."
                )
            os.fsync(self._file)
            source, target = (self._folder, self._temporary), (self._folder, self._name)
            name = move_to_free_name(source, target)
            os.fsync(self._folder)
        self._uploads._forget(self._piece.path)
        return self._piece.path[: -len(self._name)] + name

    def close(self) -> None:
        """Keep what was received for the next piece."""
        path = self._piece.path
        if self.position < self._piece.total:
            self._uploads._digests[path] = (self.position, self._digest)
        self._uploads._active.discard(path)
        os.close(self._file)
        os.close(self._folder)


def clean_path(path: str) -> str:
    """Return the path of an upload with a clean last part; see `names.clean_name`.

    Raises:
        UsageError: it is hidden, or leads out of the folders.
    """
    folder, slash, name = path.rpartition("/")
    if any(not part or part.startswith(".") for part in path.split("/")):
        raise UsageError(f"'{path}' is not the name of a file that the studio shows.")
    return folder + slash + clean_name(name)


def _check_space(folder: int, piece: Piece) -> None:
    state = os.fstatvfs(folder)
    free = state.f_bavail * state.f_frsize - KEPT_FREE_BYTES
    if piece.total - piece.offset > free:
        raise RequestError(
            507,
            f"The disk has room for {format_bytes(max(free, 1))} more, beyond the "
            f"{format_bytes(KEPT_FREE_BYTES)} that stay free.",
            "Free some space, or choose a folder on another disk.",
        )


def _size(folder: int, name: str) -> int:
    try:
        return os.stat(name, dir_fd=folder, follow_symlinks=False).st_size
    except FileNotFoundError as error:
        if isinstance(error, InputNotFoundError):
            raise
        return 0
