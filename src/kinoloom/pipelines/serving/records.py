"""Records: reading them from files and batching them into requests.

Conventions: a record is bytes without its line ending or frame. RecordIO frames are a magic word, a
length in the low 29 bits and data padded to 4 bytes (MXNet's recordio.h); TFRecord frames are a
length of 8 bytes, a checksum of 4 bytes, data and a checksum of 4 bytes (TensorFlow's
record_writer).
"""

from __future__ import annotations

import gzip
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

_MAGIC = 0xCED7230A


def read_records(file: Path, split: str, compression: str) -> Iterator[bytes]:
    """Yield the records of a file.

    Args:
        file: The file.
        split: "None" for one record per file, "Line", "RecordIO" or "TFRecord".
        compression: "None" or "Gzip".

    Raises:
        ValueError: The file does not have such records.
    """
    with gzip.open(file) if compression == "Gzip" else file.open("rb") as content:
        yield from _SPLITS[split](content)


def batch_records(
    records: Iterator[bytes], split: str, strategy: str, max_bytes: int
) -> Iterator[list[bytes]]:
    """Yield the batches of records that become one request each.

    Args:
        records: The records.
        split: See `read_records`; a line takes one more byte.
        strategy: "SingleRecord" or "MultiRecord".
        max_bytes: The maximum size of a request; 0 means no limit.

    Raises:
        ValueError: A record is larger than that.
    """
    batch: list[bytes] = []
    size = 0
    for record in records:
        grown = len(record) + (split == "Line")
        if max_bytes and len(record) > max_bytes:
            raise ValueError(
                f"A record of {len(record)} bytes exceeds MaxPayloadInMB ({max_bytes} bytes)."
            )
        single = strategy == "SingleRecord" or split == "None"
        if batch and (single or (max_bytes and size + grown > max_bytes)):
            yield batch
            batch, size = [], 0
        batch.append(record)
        size += grown
    if batch:
        yield batch


def build_body(batch: list[bytes], split: str) -> bytes:
    """Return the body of a request: lines are joined, RecordIO records are framed again."""
    if split == "Line":
        return b"\n".join(batch)
    if split == "RecordIO":
        return b"".join(_frame(record) for record in batch)
    return b"".join(batch)


def _frame(record: bytes) -> bytes:
    return struct.pack("<II", _MAGIC, len(record)) + record + b"\0" * (-len(record) % 4)


def _whole(content: IO[bytes]) -> Iterator[bytes]:
    yield content.read()


def _lines(content: IO[bytes]) -> Iterator[bytes]:
    for line in content:
        if stripped := line.rstrip(b"\r\n"):
            yield stripped


def _record_io(content: IO[bytes]) -> Iterator[bytes]:
    while head := content.read(8):
        magic, length = struct.unpack("<II", _check_length(head, 8))
        if magic != _MAGIC:
            raise ValueError("The file is not RecordIO: a magic word is missing.")
        length &= (1 << 29) - 1
        yield _check_length(content.read(length), length)
        content.read(-length % 4)


def _tf_record(content: IO[bytes]) -> Iterator[bytes]:
    while head := content.read(12):
        (length,) = struct.unpack("<Q", _check_length(head, 12)[:8])
        yield head + _check_length(content.read(length + 4), length + 4)


def _check_length(read: bytes, length: int) -> bytes:
    if len(read) != length:
        raise ValueError("The file ends within a record.")
    return read


_SPLITS: dict[str, Any] = {
    "None": _whole,
    "Line": _lines,
    "RecordIO": _record_io,
    "TFRecord": _tf_record,
}
