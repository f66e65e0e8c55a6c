"""Folders on their way from one machine to another: a listing, and one stream cut into pieces.

The stream is the content of all files, one after the other in the order of the listing. Pieces have
one size whatever the sizes of the files, so ten thousand small files and one large one both travel
in few messages, and neither side holds more than a piece.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from kinoloom.errors import OutputError
from kinoloom.pipelines.local.store import files_in

PIECE_BYTES = 16 << 20


@dataclass(frozen=True)
class Listed:
    """A file of a folder: its path within, size in bytes and whether it may be executed."""

    path: str
    size: int
    executable: bool


def listing_of(path: Path) -> list[Listed]:
    """The files of a folder in the order of their names; a file is a folder of itself.

    Raises:
        OutputError: it holds something that is neither a file nor a folder of its own.
    """
    found = ((name, file.stat()) for name, file in files_in(path))
    return [Listed(name, facts.st_size, bool(facts.st_mode & 0o100)) for name, facts in found]


def pieces_of(
    path: Path, listing: Sequence[Listed], most_bytes: int = PIECE_BYTES
) -> Iterator[bytes]:
    """The stream of a folder in pieces of `most_bytes`, the last one shorter.

    Args:
        path: the folder, or the one file.
        listing: of it.
        most_bytes: of a piece.

    Raises:
        OutputError: a file has another size than the listing says.
    """
    piece = bytearray()
    for one in listing:
        left = one.size
        with (path if path.is_file() else path / one.path).open("rb") as file:
            while block := file.read(min(most_bytes - len(piece), left)):
                piece += block
                left -= len(block)
                if len(piece) == most_bytes:
                    yield bytes(piece)
                    piece.clear()
        if left:
            raise OutputError(f"{path / one.path} became shorter while it was read.")
    if piece:
        yield bytes(piece)


def unpack(listing: Sequence[Listed], pieces: Iterable[bytes], target: Path) -> None:
    """Write a folder from its listing and its stream.

    Raises:
        OutputError: a path leads out of the folder, or the stream is too short.
    """
    target.mkdir(parents=True, exist_ok=True)
    source, piece, place = iter(pieces), b"", 0
    for one in listing:
        pure = PurePosixPath(one.path)
        if pure.is_absolute() or ".." in pure.parts:
            raise OutputError(f"'{one.path}' leads out of its folder.")
        file = target / pure
        file.parent.mkdir(parents=True, exist_ok=True)
        left = one.size
        with file.open("wb") as output:
            while left:
                if place == len(piece):
                    piece, place = next(source, b""), 0
                    if not piece:
                        raise OutputError(f"The content of '{one.path}' is incomplete.")
                block = piece[place : place + left]
                output.write(block)
                place, left = place + len(block), left - len(block)
        if one.executable:
            file.chmod(file.stat().st_mode | 0o100)
