"""Reading of the messages of an ONNX file, without the onnx package and without its tensors.

The protobuf messages that can contain tensors are walked in the mapped file; everything else is
skipped.

Source: onnx.proto3 of ONNX 1.17 (field numbers); the protobuf encoding specification.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, NamedTuple

from kinoloom.errors import WeightsError, describe_cause

_EXTERNAL_DATA = 13
"""Field of TensorProto: entries of key (1) and value (2)."""

_CHILDREN: dict[str, dict[int, str]] = {
    "Model": {7: "Graph", 20: "Training", 25: "Function"},
    "Training": {1: "Graph", 2: "Graph"},
    "Graph": {1: "Node", 5: "Initializer", 15: "SparseTensor"},
    "Function": {7: "Node", 11: "Attribute"},
    "Node": {5: "Attribute"},
    "Attribute": {
        5: "Tensor",
        6: "Graph",
        10: "Tensor",
        11: "Graph",
        22: "SparseTensor",
        23: "SparseTensor",
    },
    "SparseTensor": {1: "Initializer", 2: "Tensor"},
    "Initializer": {_EXTERNAL_DATA: "Entry"},
    "Tensor": {_EXTERNAL_DATA: "Entry"},
}
"""The fields of each message that can contain a tensor, by number."""

_HINT = "Install kinoloom again, or name another file with --weights."
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
_MOST_TAG = (1 << 32) - 1
_MOST_DEPTH = 100
"""protobuf refuses deeper messages too."""


class Part(NamedTuple):
    """A field or message inside the file: bytes from start to end."""

    start: int
    end: int


@contextmanager
def map_onnx(file: Path) -> Iterator[mmap.mmap]:
    """Map an ONNX file into memory.

    Raises:
        WeightsError: the file is missing or empty, or the body finds that it is not ONNX
            (ValueError, IndexError).
    """
    if not file.is_file() or file.stat().st_size == 0:
        raise WeightsError(f"{file} is missing or empty; expected an ONNX model.", hint=_HINT)
    with (
        file.open("rb") as opened,
        mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as data,
    ):
        try:
            yield data
        except (ValueError, IndexError) as error:
            if isinstance(error, WeightsError):
                raise
            raise WeightsError(
                f"{file} cannot be read as an ONNX model: {describe_cause(error)}.", hint=_HINT
            ) from error


def find_messages(
    data: mmap.mmap | bytes, kind: Literal["Initializer", "Entry", "Node", "Function"]
) -> Iterator[Part]:
    """Yield all initialisers of a model and its subgraphs, or all messages of another kind.

    Entries are those of external data; nodes do not include those inside of other nodes.

    Raises:
        ValueError, IndexError: the file is not ONNX.
    """
    yield from _descend(data, Part(0, len(data)), "Model", kind, 0)


def _descend(
    data: mmap.mmap | bytes, message: Part, kind: str, wanted: str, depth: int
) -> Iterator[Part]:
    if depth > _MOST_DEPTH:
        raise ValueError(f"messages are nested more than {_MOST_DEPTH} deep")
    for number, wire, part in read_fields(data, message):
        child = _CHILDREN[kind].get(number) if wire == BYTES else None
        if child == wanted:
            yield part
        elif child in _CHILDREN:
            yield from _descend(data, part, child, wanted, depth + 1)


def read_fields(data: mmap.mmap | bytes, message: Part) -> Iterator[tuple[int, int, Part]]:
    """Yield number, wire type and content of the fields of a message.

    Raises:
        ValueError, IndexError: the message is damaged.
    """
    place = message.start
    while place < message.end:
        tag, place = read_varint(data, place)
        number, wire = tag >> 3, tag & 7
        if tag > _MOST_TAG or number == 0:
            raise ValueError(f"{tag} is not a valid protobuf tag")
        if wire == VARINT:
            _, end = read_varint(data, place)
            size = end - place
        elif wire == BYTES:
            size, place = read_varint(data, place)
        elif wire in (FIXED64, FIXED32):
            size = 8 if wire == FIXED64 else 4
        else:
            raise ValueError(f"{wire} is not a valid protobuf wire type")
        part = Part(place, place + size)
        if part.end > message.end:
            raise ValueError("the file is truncated")
        yield number, wire, part
        place = part.end


def read_texts(data: mmap.mmap, entry: Part) -> tuple[bytes, bytes]:
    """Return key and value of an entry of external data."""
    texts = {1: b"", 2: b""}
    for number, wire, part in read_fields(data, entry):
        if number in texts and wire == BYTES:
            texts[number] = data[part.start : part.end]
    return texts[1], texts[2]


def read_varint(data: mmap.mmap | bytes, place: int) -> tuple[int, int]:
    """Read a number of variable length; return it and the place after it."""
    value = 0
    for shift in range(0, 70, 7):
        byte = data[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, place
    raise ValueError("a number is longer than 10 bytes")
