"""Checks that the weights in an ONNX file are finite, before a runtime opens it.

Floating-point weights are stored as raw bytes in the file or in a file of external data, or as
lists of numbers. All are read in blocks, so that no tensor is held in memory.

Source: TensorProto in onnx.proto3 of ONNX 1.17.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from kinoloom.errors import WeightsError
from kinoloom.runtime.onnx_messages import (
    BYTES,
    FIXED32,
    FIXED64,
    VARINT,
    Part,
    find_messages,
    map_onnx,
    read_fields,
    read_texts,
    read_varint,
)

_TYPE, _FLOATS, _INTS, _NAME, _RAW, _DOUBLES, _EXTERNAL = 2, 4, 5, 8, 9, 10, 13
_FLOAT32, _FLOAT16, _FLOAT64, _BFLOAT16 = 1, 10, 11, 16
_DTYPES = {_FLOAT32: "<f4", _FLOAT16: "<f2", _FLOAT64: "<f8", _BFLOAT16: "<u2"}
_BFLOAT16_EXPONENT = 0x7F80
"""These bits are all set in infinite values and NaN."""
_BLOCK_BYTES = 1 << 22
_EMPTY = Part(0, 0)


@dataclass
class _Initializer:
    """What a tensor message says about a weight.

    Attributes:
        name: of the weight.
        kind: number of its type.
        raw: its content as bytes.
        numbers: its content as lists: field, wire type and place of each.
        external: the entries of external data by key.
    """

    name: str = ""
    kind: int = 0
    raw: Part = _EMPTY
    numbers: list[tuple[int, int, Part]] = field(default_factory=list)
    external: dict[bytes, bytes] = field(default_factory=dict)


def check_initializers(file: Path) -> None:
    """Check that all floating-point initialisers of an ONNX file are finite.

    Args:
        file: an .onnx file whose external data is inside its folder.

    Raises:
        WeightsError: a value is NaN or infinite, external data is too short, or the file is not
            ONNX.
    """
    with map_onnx(file) as data:
        for part in find_messages(data, "Initializer"):
            weight = _read_initializer(data, part)
            if weight.kind in _DTYPES and not _is_finite(data, weight, file.parent):
                raise WeightsError(
                    f"{file} is damaged: its weight '{weight.name}' contains NaN or infinite "
                    "values.",
                    hint="Install kinoloom again, or name another file with --weights.",
                )


def _read_initializer(data: mmap.mmap, message: Part) -> _Initializer:
    weight = _Initializer()
    for number, wire, part in read_fields(data, message):
        if number == _TYPE and wire == VARINT:
            weight.kind = read_varint(data, part.start)[0]
        elif number == _NAME and wire == BYTES:
            weight.name = data[part.start : part.end].decode(errors="replace")
        elif number == _RAW and wire == BYTES:
            weight.raw = part
        elif number == _EXTERNAL and wire == BYTES:
            key, value = read_texts(data, part)
            weight.external[key] = value
        elif number in (_FLOATS, _INTS, _DOUBLES):
            weight.numbers.append((number, wire, part))
    return weight


def _is_finite(data: mmap.mmap, weight: _Initializer, folder: Path) -> bool:
    blocks = (
        _read_external(weight, folder) if b"location" in weight.external else _split(data, weight)
    )
    return all(_are_finite(block, weight.kind) for block in blocks)


def _are_finite(block: bytes, kind: int) -> bool:
    values = np.frombuffer(block, _DTYPES[kind])
    if kind == _BFLOAT16:
        return bool(((values & _BFLOAT16_EXPONENT) != _BFLOAT16_EXPONENT).all())
    return bool(np.isfinite(values).all())


def _split(data: mmap.mmap, weight: _Initializer) -> Iterator[bytes]:
    """Yield the values stored in the message, in blocks of the bytes of their type."""
    start, end = weight.raw
    for place in range(start, end, _BLOCK_BYTES):
        yield data[place : min(place + _BLOCK_BYTES, end)]
    for number, wire, (start, end) in weight.numbers:
        if number == _INTS:  # 16-bit types, one number for each value
            yield _unpack_ints(data, start, end)
        elif wire in (BYTES, FIXED32, FIXED64):
            for place in range(start, end, _BLOCK_BYTES):
                yield data[place : min(place + _BLOCK_BYTES, end)]


def _unpack_ints(data: mmap.mmap, place: int, end: int) -> bytes:
    values = []
    while place < end:
        value, place = read_varint(data, place)
        values.append(value & 0xFFFF)
    return np.array(values, "<u2").tobytes()


def _read_external(weight: _Initializer, folder: Path) -> Iterator[bytes]:
    """Yield the values stored in another file.

    Raises:
        ValueError: it is shorter than the model says.
    """
    path = folder / os.fsdecode(weight.external[b"location"])
    start = int(weight.external.get(b"offset", b"0"))
    size = path.stat().st_size
    end = start + int(weight.external.get(b"length", b"%d" % (size - start)))
    if not 0 <= start <= end <= size:
        raise ValueError(f"the external data of '{weight.name}' is not in {path.name}")
    with path.open("rb") as file:
        file.seek(start)
        while start < end:
            block = file.read(min(_BLOCK_BYTES, end - start))
            if not block:
                raise ValueError(f"{path.name} became shorter while it was read")
            yield block
            start += len(block)
