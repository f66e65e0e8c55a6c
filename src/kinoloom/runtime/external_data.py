"""Checks where an ONNX file keeps its external data, before a runtime opens it.

Large ONNX models store tensors in other files, whose paths are in the model. A model from
elsewhere could name any file of the user, by an absolute path, by `..` or through a symbolic link:
onnxruntime 1.32 rejects these, but 1.20 opens them. The check walks the protobuf messages that can
contain tensors and skips everything else, so that it needs neither the onnx package nor the memory
for the tensors.

Source: onnx.proto3 of ONNX 1.17 (field numbers); the protobuf encoding specification.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import NamedTuple

from kinoloom.errors import WeightsError

_EXTERNAL_DATA = 13
"""Field of TensorProto: entries of key (1) and value (2)."""

_CHILDREN: dict[str, dict[int, str]] = {
    "Model": {7: "Graph", 20: "Training", 25: "Function"},
    "Training": {1: "Graph", 2: "Graph"},
    "Graph": {1: "Node", 5: "Tensor", 15: "SparseTensor"},
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
    "SparseTensor": {1: "Tensor", 2: "Tensor"},
    "Tensor": {_EXTERNAL_DATA: "Entry"},
}
"""The fields of each message that can contain a tensor, by number."""

_HINT = "Install kinoloom again, or name another file with --weights."
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_MOST_TAG = (1 << 32) - 1
_MOST_DEPTH = 100
"""protobuf refuses deeper messages too."""


class _Part(NamedTuple):
    """A message or string inside the file: bytes from start to end."""

    start: int
    end: int


def check_external_data(file: Path) -> None:
    """Check that the external data of an ONNX file is in the file's own folder or below.

    Args:
        file: an .onnx file.

    Raises:
        WeightsError: a path is absolute, leads out of the folder (also through a symbolic link),
            or names no regular file; or the file is not ONNX.
    """
    folder = file.parent.resolve()
    for location in external_locations(file):
        if not _is_inside(location, folder):
            raise WeightsError(
                f"{file} names external data outside its folder, or a file that is missing: "
                f"'{location}'.",
                hint="Use a model whose data files are in the same folder as the model.",
            )


def external_locations(file: Path) -> list[str]:
    """List the paths of external data in an ONNX file, as they are stored.

    Args:
        file: an .onnx file.

    Returns:
        Each path once, in the order of the file.

    Raises:
        WeightsError: the file cannot be read as ONNX.
    """
    if not file.is_file() or file.stat().st_size == 0:
        raise WeightsError(f"{file} is missing or empty; expected an ONNX model.", hint=_HINT)
    with (
        file.open("rb") as opened,
        mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as data,
    ):
        try:
            found = [
                text
                for part in _entries(data, _Part(0, len(data)), "Model", 0)
                if (text := _location(data, part)) is not None
            ]
        except (ValueError, IndexError) as error:
            raise WeightsError(
                f"{file} cannot be read as an ONNX model: {error}.", hint=_HINT
            ) from error
    return list(dict.fromkeys(found))


def _is_inside(location: str, folder: Path) -> bool:
    posix, windows = PurePosixPath(location), PureWindowsPath(location)
    if posix.is_absolute() or windows.drive or windows.root or ".." in windows.parts:
        return False
    path = (folder / location).resolve()
    return path.is_relative_to(folder) and path.is_file()


def _location(data: mmap.mmap, entry: _Part) -> str | None:
    """Return the path if an entry of external data holds one."""
    texts = {1: b"", 2: b""}
    for number, part in _fields(data, entry):
        if number in texts:
            texts[number] = data[part.start : part.end]
    return texts[2].decode() if texts[1] == b"location" else None


def _entries(data: mmap.mmap, message: _Part, kind: str, depth: int) -> Iterator[_Part]:
    """Yield all entries of external data in a message."""
    if depth > _MOST_DEPTH:
        raise ValueError(f"messages are nested more than {_MOST_DEPTH} deep")
    for number, part in _fields(data, message):
        child = _CHILDREN[kind].get(number)
        if child == "Entry":
            yield part
        elif child is not None:
            yield from _entries(data, part, child, depth + 1)


def _fields(data: mmap.mmap, message: _Part) -> Iterator[tuple[int, _Part]]:
    """Yield number and content of the fields of a message that are bytes; skip numbers."""
    place = message.start
    while place < message.end:
        tag, place = _varint(data, place)
        number, wire = tag >> 3, tag & 7
        if tag > _MOST_TAG or number == 0:
            raise ValueError(f"{tag} is not a valid protobuf tag")
        if wire == _VARINT:
            _, place = _varint(data, place)
            continue
        if wire == _BYTES:
            size, place = _varint(data, place)
        elif wire in (_FIXED64, _FIXED32):
            size = 8 if wire == _FIXED64 else 4
        else:
            raise ValueError(f"{wire} is not a valid protobuf wire type")
        part = _Part(place, place + size)
        if part.end > message.end:
            raise ValueError("the file is truncated")
        if wire == _BYTES:
            yield number, part
        place = part.end
    if place != message.end:
        raise ValueError("the file is truncated")


def _varint(data: mmap.mmap, place: int) -> tuple[int, int]:
    """Read a number of variable length; return it and the place after it."""
    value = 0
    for shift in range(0, 70, 7):
        byte = data[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, place
    raise ValueError("a number is longer than 10 bytes")
