"""Reading of the operators of an ONNX file and the shapes of its weights, not of the weights.

Source: onnx.proto3 of ONNX 1.17 (field numbers).
"""

from __future__ import annotations

import mmap
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from kinoloom.runtime.onnx_messages import (
    BYTES,
    VARINT,
    Part,
    find_messages,
    map_onnx,
    read_fields,
    read_varint,
)

_DIMENSIONS, _TENSOR_NAME = 1, 8
_INPUT, _OUTPUT, _OPERATOR = 1, 2, 4
_PASSING = ("Cast", "Identity")


@dataclass(frozen=True)
class Operator:
    """A node of a graph.

    Attributes:
        name: of the operator, such as "Conv".
        inputs, outputs: names of values.
    """

    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


@dataclass(frozen=True)
class Outline:
    """The operators of a network in order, and the shapes of its weights by name."""

    operators: tuple[Operator, ...]
    shapes: Mapping[str, tuple[int, ...]]

    def weight_shapes(self, operator: str) -> list[tuple[int, ...]]:
        """Return the shape of the second input of each such operator, () where it is computed."""
        passed = {
            node.outputs[0]: node.inputs[0]
            for node in self.operators
            if node.name in _PASSING and node.inputs and node.outputs
        }
        found = []
        for node in self.operators:
            if node.name == operator:
                name = node.inputs[1] if len(node.inputs) > 1 else ""
                found.append(self.shapes.get(passed.get(name, name), ()))
        return found

    def count(self, *operators: str) -> int:
        """Return how many nodes have one of the operators."""
        return sum(node.name in operators for node in self.operators)


def read_outline(file: Path) -> Outline:
    """Read the outline of an .onnx file.

    Raises:
        WeightsError: the file cannot be read as ONNX.
    """
    with map_onnx(file) as data:
        return parse_outline(data)


def parse_outline(data: mmap.mmap | bytes) -> Outline:
    """Read the outline of a model in memory.

    Raises:
        ValueError, IndexError: it is not ONNX.
    """
    operators = tuple(_read_operator(data, part) for part in find_messages(data, "Node"))
    return Outline(
        operators, dict(_read_shape(data, p) for p in find_messages(data, "Initializer"))
    )


def _read_operator(data: mmap.mmap | bytes, node: Part) -> Operator:
    texts: dict[int, list[str]] = {_INPUT: [], _OUTPUT: [], _OPERATOR: []}
    for number, wire, (start, end) in read_fields(data, node):
        if number in texts and wire == BYTES:
            texts[number].append(data[start:end].decode(errors="replace"))
    return Operator("".join(texts[_OPERATOR]), tuple(texts[_INPUT]), tuple(texts[_OUTPUT]))


def _read_shape(data: mmap.mmap | bytes, tensor: Part) -> tuple[str, tuple[int, ...]]:
    name, sides = "", []
    for number, wire, (start, end) in read_fields(data, tensor):
        if number == _TENSOR_NAME and wire == BYTES:
            name = data[start:end].decode(errors="replace")
        elif number == _DIMENSIONS and wire == VARINT:
            sides.append(read_varint(data, start)[0])
        elif number == _DIMENSIONS and wire == BYTES:  # packed
            place = start
            while place < end:
                side, place = read_varint(data, place)
                sides.append(side)
    return name, tuple(sides)
