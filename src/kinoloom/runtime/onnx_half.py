"""Conversion of a float32 ONNX network to float16, without the onnx package.

Weights, constants and tensors become float16. Inputs and outputs stay float32: the first nodes cast
the inputs, the last ones cast the results back. The factors and regions of Resize stay float32, as
its definition requires. Declared types of tensors inside the network are removed.

A network may contain operators that need float32 elsewhere: a runtime rejects its conversion when
it is opened.

Source: onnx.proto3 of ONNX 1.17 (field numbers).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kinoloom.runtime.onnx_messages import (
    BYTES,
    FIXED32,
    Part,
    read_fields,
    read_varint,
)
from kinoloom.runtime.onnx_writer import (
    FLOAT16,
    FLOAT32,
    Node,
    encode_message,
    encode_node,
    encode_number,
    encode_text,
    encode_varint,
)

_GRAPH = 7
_NODE, _INITIALIZER, _INPUT, _OUTPUT, _VALUE_INFO, _SPARSE = 1, 5, 11, 12, 13, 15
_NODE_INPUT, _NODE_OUTPUT, _OPERATOR, _ATTRIBUTE = 1, 2, 4, 5
_ATTRIBUTE_NAME, _ATTRIBUTE_INT, _ATTRIBUTE_TENSOR = 1, 3, 5
_VALUE_NAME, _VALUE_TYPE, _TENSOR_TYPE, _ELEMENT = 1, 2, 1, 1
_DIMENSIONS, _TYPE, _FLOATS, _NAME, _RAW, _EXTERNAL = 1, 2, 4, 8, 9, 13
_RESIZE = ("Resize", "Upsample")
_SUFFIX = "/float16"


@dataclass(frozen=True)
class _Names:
    """Values with a special role.

    Attributes:
        inputs, outputs: float32 inputs and outputs of the network, which are cast.
        kept: constants that stay float32.
    """

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    kept: frozenset[str]

    def rename(self, name: str) -> str:
        """Return the name of a value inside the converted network."""
        return name + _SUFFIX if name in self.inputs or name in self.outputs else name


def convert_to_half(model: bytes) -> bytes:
    """Convert a float32 network to float16; see the module docstring.

    Args:
        model: the content of an .onnx file.

    Returns:
        The content of an .onnx file with the same inputs and outputs.

    Raises:
        ValueError: a weight is beyond the range of float16, sparse, or in another file; or the
            content is not ONNX.
        IndexError: the content is not ONNX.
    """
    parts = []
    for number, wire, part in read_fields(model, Part(0, len(model))):
        if number == _GRAPH and wire == BYTES:
            parts.append(encode_message(_GRAPH, _convert_graph(model, part)))
        else:
            parts.append(_copy(model, number, wire, part))
    return b"".join(parts)


def _convert_graph(data: bytes, graph: Part) -> list[bytes]:
    names = _find_names(data, graph)
    renamed = names.rename
    casts = [Node("Cast", (x,), (renamed(x),), {"to": FLOAT16}) for x in names.inputs]
    parts = [encode_message(_NODE, encode_node(cast)) for cast in casts]
    for number, wire, part in read_fields(data, graph):
        if number == _NODE:
            parts.append(encode_message(_NODE, _convert_node(data, part, names)))
        elif number == _INITIALIZER:
            parts.append(encode_message(_INITIALIZER, _convert_tensor(data, part, names)))
        elif number == _SPARSE:
            raise ValueError("it has sparse weights")
        elif number != _VALUE_INFO:
            parts.append(_copy(data, number, wire, part))
    casts = [Node("Cast", (renamed(y),), (y,), {"to": FLOAT32}) for y in names.outputs]
    return parts + [encode_message(_NODE, encode_node(cast)) for cast in casts]


def _find_names(data: bytes, graph: Part) -> _Names:
    fields = [(number, part) for number, _, part in read_fields(data, graph)]
    kept = {
        name
        for number, part in fields
        if number == _NODE and _read_text(data, part, _OPERATOR) in _RESIZE
        for name in list(_read_texts(data, part, _NODE_INPUT))[1:]
    }
    return _Names(
        tuple(_float_values(data, [part for number, part in fields if number == _INPUT])),
        tuple(_float_values(data, [part for number, part in fields if number == _OUTPUT])),
        frozenset(kept),
    )


def _float_values(data: bytes, values: list[Part]) -> Iterator[str]:
    """Yield the names of declared values that are tensors of float32."""
    for value in values:
        kinds = [
            read_varint(data, kind.start)[0]
            for declared in _find(data, value, _VALUE_TYPE)
            for tensor in _find(data, declared, _TENSOR_TYPE)
            for kind in _find(data, tensor, _ELEMENT)
        ]
        if kinds == [FLOAT32]:
            yield _read_text(data, value, _VALUE_NAME)


def _convert_node(data: bytes, node: Part, names: _Names) -> list[bytes]:
    operator = _read_text(data, node, _OPERATOR)
    is_kept = not names.kept.isdisjoint(_read_texts(data, node, _NODE_OUTPUT))
    parts = []
    for number, wire, part in read_fields(data, node):
        if number in (_NODE_INPUT, _NODE_OUTPUT):
            name = data[part.start : part.end].decode()
            parts.append(encode_text(number, names.rename(name)))
        elif number == _ATTRIBUTE and not is_kept:
            parts.append(encode_message(number, _convert_attribute(data, part, operator, names)))
        else:
            parts.append(_copy(data, number, wire, part))
    return parts


def _convert_attribute(
    data: bytes, attribute: Part, operator: str, names: _Names
) -> Iterator[bytes]:
    is_type = operator == "Cast" and _read_text(data, attribute, _ATTRIBUTE_NAME) == "to"
    for number, wire, part in read_fields(data, attribute):
        if number == _ATTRIBUTE_TENSOR:
            yield encode_message(number, _convert_tensor(data, part, names))
        elif number == _ATTRIBUTE_INT and is_type and _read_number(data, part) == FLOAT32:
            yield encode_number(number, FLOAT16)
        else:
            yield _copy(data, number, wire, part)


def _convert_tensor(data: bytes, tensor: Part, names: _Names) -> list[bytes]:
    fields = list(read_fields(data, tensor))
    kinds = [_read_number(data, part) for number, _, part in fields if number == _TYPE]
    name = _read_text(data, tensor, _NAME)
    if kinds != [FLOAT32] or name in names.kept:
        return [_copy(data, number, wire, part) for number, wire, part in fields]
    if any(number == _EXTERNAL for number, _, _ in fields):
        raise ValueError("its weights are in another file")
    return [
        *(
            _copy(data, number, wire, part)
            for number, wire, part in fields
            if number == _DIMENSIONS
        ),
        encode_number(_TYPE, FLOAT16),
        encode_text(_NAME, name),
        encode_message(_RAW, [_to_half(data, fields, name).tobytes()]),
    ]


def _to_half(data: bytes, fields: list[tuple[int, int, Part]], name: str) -> NDArray[np.float16]:
    content = b"".join(
        data[part.start : part.end]
        for number, wire, part in fields
        if (number == _RAW and wire == BYTES) or (number == _FLOATS and wire in (BYTES, FIXED32))
    )
    values = np.frombuffer(content, "<f4")
    if values.size and np.abs(values).max() > np.finfo(np.float16).max:
        raise ValueError(f"its weight '{name}' is beyond the range of float16")
    return values.astype("<f2")


def _copy(data: bytes, number: int, wire: int, part: Part) -> bytes:
    """Return a field as it is stored."""
    length = encode_varint(part.end - part.start) if wire == BYTES else b""
    return encode_varint(number << 3 | wire) + length + data[part.start : part.end]


def _find(data: bytes, message: Part, wanted: int) -> list[Part]:
    return [part for number, _, part in read_fields(data, message) if number == wanted]


def _read_number(data: bytes, part: Part) -> int:
    return read_varint(data, part.start)[0]


def _read_text(data: bytes, message: Part, wanted: int) -> str:
    return "".join(_read_texts(data, message, wanted))


def _read_texts(data: bytes, message: Part, wanted: int) -> Iterator[str]:
    for number, wire, (start, end) in read_fields(data, message):
        if number == wanted and wire == BYTES:
            yield data[start:end].decode()
