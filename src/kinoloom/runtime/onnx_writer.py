"""Writing of ONNX models without the onnx package: graphs of nodes, constants, inputs and outputs.

The result is the same for the same arguments, byte for byte.

Source: onnx.proto3 of ONNX 1.17 (field numbers); the protobuf encoding specification.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinoloom.runtime.onnx_messages import BYTES, FIXED32, VARINT

Attribute = int | float | str | tuple[int, ...]
Side = int | str
"""The length of an axis: a number, or the name of any length."""

FLOAT32, FLOAT16, INT64 = 1, 10, 7
_TYPES = {"float32": FLOAT32, "float16": FLOAT16, "int64": INT64}
_FLOAT, _INT, _STRING, _INTS = 1, 2, 3, 7
"""Types of attributes."""
_IR_VERSION = 8
"""The first version of the format that may have operators of set 18."""
_PRODUCER = "kinoloom"


@dataclass(frozen=True)
class Node:
    """A node of a graph.

    Attributes:
        op: operator of the ONNX standard.
        inputs, outputs: names of values.
        attributes: by name.
    """

    op: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Attribute] = field(default_factory=dict)


@dataclass(frozen=True)
class Graph:
    """A network.

    Attributes:
        nodes: in an order in which they can be computed.
        constants: float32, float16 or int64 arrays by name.
        inputs, outputs: names and shapes of float32 tensors.
    """

    nodes: Sequence[Node]
    constants: Mapping[str, NDArray[Any]]
    inputs: Mapping[str, Sequence[Side]]
    outputs: Mapping[str, Sequence[Side]]


def encode_model(graph: Graph, opset: int = 18) -> bytes:
    """Encode a network as the content of an .onnx file.

    Args:
        graph: the network.
        opset: version of the operators.

    Raises:
        KeyError: a constant has another dtype.
    """
    parts = [
        *(_message(1, _encode_node(node)) for node in graph.nodes),
        _text(2, _PRODUCER),
        *(_message(5, _encode_tensor(*item)) for item in graph.constants.items()),
        *(_message(11, _encode_value(*item)) for item in graph.inputs.items()),
        *(_message(12, _encode_value(*item)) for item in graph.outputs.items()),
    ]
    return b"".join(
        [
            _number(1, _IR_VERSION),
            _text(2, _PRODUCER),
            _message(7, parts),
            _message(8, [_text(1, ""), _number(2, opset)]),
        ]
    )


def encode_varint(value: int) -> bytes:
    """Encode a 64-bit number; negative ones are stored as their two's complement."""
    left, encoded = value & ((1 << 64) - 1), bytearray()
    while left > 0x7F:
        encoded.append(left & 0x7F | 0x80)
        left >>= 7
    encoded.append(left)
    return bytes(encoded)


def _encode_node(node: Node) -> list[bytes]:
    return [
        *(_text(1, name) for name in node.inputs),
        *(_text(2, name) for name in node.outputs),
        _text(4, node.op),
        *(_message(5, _encode_attribute(*item)) for item in node.attributes.items()),
    ]


def _encode_attribute(name: str, value: Attribute) -> list[bytes]:
    if isinstance(value, tuple):
        kind, content = _INTS, [_number(8, each) for each in value]
    elif isinstance(value, str):
        kind, content = _STRING, [_text(4, value)]
    elif isinstance(value, float):
        kind, content = _FLOAT, [encode_varint(2 << 3 | FIXED32), struct.pack("<f", value)]
    else:
        kind, content = _INT, [_number(3, value)]
    return [_text(1, name), *content, _number(20, kind)]


def _encode_tensor(name: str, array: NDArray[Any]) -> list[bytes]:
    kind = _TYPES[array.dtype.name]
    stored = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
    return [
        *(_number(1, side) for side in array.shape),
        _number(2, kind),
        _text(8, name),
        _message(9, [stored.tobytes()]),
    ]


def _encode_value(name: str, shape: Sequence[Side]) -> list[bytes]:
    sides = (_text(2, s) if isinstance(s, str) else _number(1, s) for s in shape)
    dimensions = b"".join(_message(1, [side]) for side in sides)
    tensor = [_number(1, FLOAT32), _message(2, [dimensions])]
    return [_text(1, name), _message(2, [_message(1, tensor)])]


def _number(number: int, value: int) -> bytes:
    return encode_varint(number << 3 | VARINT) + encode_varint(value)


def _text(number: int, text: str) -> bytes:
    return _message(number, [text.encode()])


def _message(number: int, parts: Iterable[bytes]) -> bytes:
    content = b"".join(parts)
    return encode_varint(number << 3 | BYTES) + encode_varint(len(content)) + content
