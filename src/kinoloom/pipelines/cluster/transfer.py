"""The transfer of folders between machines: a listing, and a stream in chunks.

The stream is the content of all files in the listing's order. Chunks have one size whatever the
sizes of the files, so both ten thousand small files and one large file need few messages, and
neither side holds more than one chunk.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from kinoloom.errors import OutputError
from kinoloom.pipelines.local.storage.step_folder import StepFolder
from kinoloom.pipelines.local.storage.store import files_in

CHUNK_BYTES = 16 << 20


@dataclass(frozen=True)
class Listed:
    """A file of a folder: its path in the folder, size in bytes and executable bit."""

    path: str
    size: int
    executable: bool


def list_folder(path: Path | StepFolder) -> list[Listed]:
    """Return the files of a folder by name; a file is a folder with that one file.

    Raises:
        OutputError: The folder has something that is neither a file nor a folder.
    """
    if isinstance(path, StepFolder):
        found = [(name, _stat_in(path, inner)) for name, inner in path.files()]
    else:
        found = [(name, file.stat()) for name, file in files_in(path)]
    return [Listed(name, stat.st_size, bool(stat.st_mode & 0o100)) for name, stat in found]


def iter_chunks(
    path: Path | StepFolder, listing: Sequence[Listed], chunk_bytes: int = CHUNK_BYTES
) -> Iterator[bytes]:
    """Yield the stream of a folder in chunks of `chunk_bytes`; the last one may be shorter.

    Args:
        path: The folder, or the one file.
        listing: Its listing.
        chunk_bytes: The size of a chunk.

    Raises:
        OutputError: A file is shorter than in the listing.
    """
    chunk = bytearray()
    open_file = _opener(path)
    for one in listing:
        remaining = one.size
        with open_file(one.path) as file:
            while block := file.read(min(chunk_bytes - len(chunk), remaining)):
                chunk += block
                remaining -= len(block)
                if len(chunk) == chunk_bytes:
                    yield bytes(chunk)
                    chunk.clear()
        if remaining:
            raise OutputError(f"'{one.path}' was truncated while it was read.")
    if chunk:
        yield bytes(chunk)


def _stat_in(folder: StepFolder, name: str) -> os.stat_result:
    with folder.open(name) as file:
        return os.fstat(file.fileno())


def _opener(path: Path | StepFolder) -> Callable[[str], BinaryIO]:
    """Return a function that opens a file of a folder by its name."""
    if isinstance(path, StepFolder):
        folder, inner = path, dict(path.files())
        return lambda name: folder.open(inner[name])
    base = path
    return lambda name: (base if base.is_file() else base / name).open("rb")


def write_folder(listing: Sequence[Listed], chunks: Iterable[bytes], target: Path) -> None:
    """Write a folder from its listing and its stream.

    Raises:
        OutputError: A path leaves the folder, or the stream is too short.
    """
    target.mkdir(parents=True, exist_ok=True)
    source, chunk, position = iter(chunks), b"", 0
    for one in listing:
        pure = PurePosixPath(one.path)
        if pure.is_absolute() or ".." in pure.parts:
            raise OutputError(f"'{one.path}' must be within its folder.")
        file = target / pure
        file.parent.mkdir(parents=True, exist_ok=True)
        remaining = one.size
        with file.open("wb") as output:
            while remaining:
                if position == len(chunk):
                    chunk, position = next(source, b""), 0
                    if not chunk:
                        raise OutputError(f"The content of '{one.path}' is incomplete.")
                block = chunk[position : position + remaining]
                output.write(block)
                position, remaining = position + len(block), remaining - len(block)
        if one.executable:
            file.chmod(file.stat().st_mode | 0o100)
