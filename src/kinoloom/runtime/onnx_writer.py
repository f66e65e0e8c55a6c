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
        *(encode_message(1, encode_node(node)) for node in graph.nodes),
        encode_text(2, _PRODUCER),
        *(encode_message(5, _encode_tensor(*item)) for item in graph.constants.items()),
        *(encode_message(11, _encode_value(*item)) for item in graph.inputs.items()),
        *(encode_message(12, _encode_value(*item)) for item in graph.outputs.items()),
    ]
    return b"".join(
        [
            encode_number(1, _IR_VERSION),
            encode_text(2, _PRODUCER),
            encode_message(7, parts),
            encode_message(8, [encode_text(1, ""), encode_number(2, opset)]),
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


def encode_node(node: Node) -> list[bytes]:
    """Encode the fields of a node."""
    return [
        *(encode_text(1, name) for name in node.inputs),
        *(encode_text(2, name) for name in node.outputs),
        encode_text(4, node.op),
        *(encode_message(5, _encode_attribute(*item)) for item in node.attributes.items()),
    ]


def _encode_attribute(name: str, value: Attribute) -> list[bytes]:
    if isinstance(value, tuple):
        kind, content = _INTS, [encode_number(8, each) for each in value]
    elif isinstance(value, str):
        kind, content = _STRING, [encode_text(4, value)]
    elif isinstance(value, float):
        kind, content = _FLOAT, [encode_varint(2 << 3 | FIXED32), struct.pack("<f", value)]
    else:
        kind, content = _INT, [encode_number(3, value)]
    return [encode_text(1, name), *content, encode_number(20, kind)]


def _encode_tensor(name: str, array: NDArray[Any]) -> list[bytes]:
    kind = _TYPES[array.dtype.name]
    stored = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
    return [
        *(encode_number(1, side) for side in array.shape),
        encode_number(2, kind),
        encode_text(8, name),
        encode_message(9, [stored.tobytes()]),
    ]


def _encode_value(name: str, shape: Sequence[Side]) -> list[bytes]:
    sides = (encode_text(2, s) if isinstance(s, str) else encode_number(1, s) for s in shape)
    dimensions = b"".join(encode_message(1, [side]) for side in sides)
    tensor = [encode_number(1, FLOAT32), encode_message(2, [dimensions])]
    return [encode_text(1, name), encode_message(2, [encode_message(1, tensor)])]


def encode_number(number: int, value: int) -> bytes:
    """Encode a field that is a whole number."""
    return encode_varint(number << 3 | VARINT) + encode_varint(value)


def encode_text(number: int, text: str) -> bytes:
    """Encode a field that is a text."""
    return encode_message(number, [text.encode()])


def encode_message(number: int, parts: Iterable[bytes]) -> bytes:
    """Encode a field that is a message or bytes, joined from its parts."""
    content = b"".join(parts)
    return encode_varint(number << 3 | BYTES) + encode_varint(len(content)) + content
