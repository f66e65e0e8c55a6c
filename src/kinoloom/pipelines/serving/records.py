"""Files to records, records to requests.

Conventions: a record is bytes without its line end or frame. RecordIO frames are a magic word, a
length in the low 29 bits and data padded to 4 bytes (MXNet's recordio.h); TFRecord frames are a
length of 8 bytes, 4 bytes of check sum, data, 4 bytes of check sum (TensorFlow's record_writer).
"""

from __future__ import annotations

import gzip
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

_MAGIC = 0xCED7230A


def records(file: Path, split: str, compression: str) -> Iterator[bytes]:
    """The records of a file.

    Args:
        file: to read.
        split: "None" for the whole file, "Line", "RecordIO" or "TFRecord".
        compression: "None" or "Gzip".

    Raises:
        ValueError: it is not made of such records.
    """
    with gzip.open(file) if compression == "Gzip" else file.open("rb") as content:
        yield from _SPLITS[split](content)


def requests(
    parts: Iterator[bytes], split: str, strategy: str, most_bytes: int
) -> Iterator[list[bytes]]:
    """Records put together to requests.

    Args:
        parts: the records.
        split: as for `records`; lines take one more byte each.
        strategy: "SingleRecord" or "MultiRecord".
        most_bytes: in a request; 0 for any number.

    Raises:
        ValueError: one record alone is larger.
    """
    batch: list[bytes] = []
    size = 0
    for part in parts:
        grown = len(part) + (split == "Line")
        if most_bytes and len(part) > most_bytes:
            raise ValueError(
                f"A record of {len(part)} bytes is larger than MaxPayloadInMB allows "
                f"({most_bytes} bytes)."
            )
        single = strategy == "SingleRecord" or split == "None"
        if batch and (single or (most_bytes and size + grown > most_bytes)):
            yield batch
            batch, size = [], 0
        batch.append(part)
        size += grown
    if batch:
        yield batch


def body(batch: list[bytes], split: str) -> bytes:
    """The body of a request: lines are joined by line ends, framed records framed again."""
    if split == "Line":
        return b"\n".join(batch)
    if split == "RecordIO":
        return b"".join(_framed(record) for record in batch)
    return b"".join(batch)


def _framed(record: bytes) -> bytes:
    return struct.pack("<II", _MAGIC, len(record)) + record + b"\0" * (-len(record) % 4)


def _whole(content: IO[bytes]) -> Iterator[bytes]:
    yield content.read()


def _lines(content: IO[bytes]) -> Iterator[bytes]:
    for line in content:
        if stripped := line.rstrip(b"\r\n"):
            yield stripped


def _record_io(content: IO[bytes]) -> Iterator[bytes]:
    while head := content.read(8):
        magic, length = struct.unpack("<II", _exactly(head, 8))
        if magic != _MAGIC:
            raise ValueError("The file is not RecordIO: a magic word is missing.")
        length &= (1 << 29) - 1
        yield _exactly(content.read(length), length)
        content.read(-length % 4)


def _tf_record(content: IO[bytes]) -> Iterator[bytes]:
    while head := content.read(12):
        (length,) = struct.unpack("<Q", _exactly(head, 12)[:8])
        yield head + _exactly(content.read(length + 4), length + 4)


def _exactly(read: bytes, length: int) -> bytes:
    if len(read) != length:
        raise ValueError("The file ends within a record.")
    return read


_SPLITS: dict[str, Any] = {
    "None": _whole,
    "Line": _lines,
    "RecordIO": _record_io,
    "TFRecord": _tf_record,
}
