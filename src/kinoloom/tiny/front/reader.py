"""The state of reading a graph, and helpers that all rules use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from kinoloom.errors import UsageError
from kinoloom.tiny.front.float_network import FloatCopy, FloatNetwork, Layer, Reals
from kinoloom.tiny.front.views import View, contiguous_view, find_loops
from kinoloom.tiny.ir.program import Array, Shape

Pads = tuple[int, int, int, int]
"""Zero padding: left, right, top, bottom."""


@dataclass
class Reader:
    """The part of the network that has been read so far.

    A stored value is the input or the output of a layer. A node's value is a view of a stored one.

    Attributes:
        values: parameters, buffers and values computed from them: torch tensors by node name.
        layers: in order of execution.
        views: view of each node's value, by node name.
        parts: views of nodes with several results, by (node name, number); None if unavailable.
        pads: zero padding that the next convolution absorbs, by node name.
        constants: values that layers read like activations, by name.
        input: node of the input.
        output: name of the stored output.
    """

    values: dict[str, Any]
    layers: list[Layer] = field(default_factory=list)
    views: dict[str, View] = field(default_factory=dict)
    parts: dict[tuple[str, int], View | None] = field(default_factory=dict)
    pads: dict[str, Pads] = field(default_factory=dict)
    constants: dict[str, Reals] = field(default_factory=dict)
    input: Any = None
    output: str = ""

    def add_input(self, node: Any) -> None:
        """Set the input.

        Raises:
            UsageError: The model has several inputs, or the shape is unsupported.
        """
        if self.input is not None:
            raise UsageError("The model has several inputs: expected 1.")
        self.input = node
        try:
            batchless_shape(node)
        except UsageError as error:
            shape = tuple(node.meta["val"].shape)
            raise UsageError(
                f"Unsupported input shape {shape}: expected a static shape with a batch size of 1.",
                hint="Export the model with one example: (1, C, H, W), (1, C, T) or (1, F).",
            ) from error
        self.views[node.name] = contiguous_view(node.name, node.meta["val"].shape)

    def view(self, node: Any) -> View:
        """Return the view of a node's value.

        Raises:
            UsageError: The value is padded, which only a convolution can read, or a parameter.
        """
        if node.name in self.pads:
            raise unsupported(node, "padding is supported only directly before a convolution")
        if node.name not in self.views:
            raise unsupported(node, "it does not depend on the input")
        return self.views[node.name]

    def materialise(self, node: Any, order: Sequence[int] | None = None) -> str:
        """Return the stored value with the axes of a node's value in `order`; copy if needed."""
        view = self.view(node)
        order = range(view.index.ndim) if order is None else order
        if view.is_stored_as(order):
            return view.name
        shape = node.meta["val"].shape
        keeps_shape = order == range(view.index.ndim) and 2 <= len(shape) <= 4 and shape[0] == 1
        index = view.index.transpose(order)
        name = self._add_copy(node, index, batchless_shape(node) if keeps_shape else None)
        inverse = np.argsort(order)
        self.views[node.name] = View(
            name, contiguous_view(name, index.shape).index.transpose(inverse), index.size
        )
        return name

    def whole_view(self, node: Any) -> View:
        """Return the view if it covers its stored value, in any order; else that of a copy."""
        view = self.view(node)
        return view if view.is_whole else contiguous_view(self.materialise(node), view.index.shape)

    def _add_copy(self, node: Any, index: Array, shape: Shape | None) -> str:
        indices = index.ravel()
        loops = find_loops(indices)
        if loops is None:
            raise unsupported(node, "its elements have no strided layout")
        name = f"{node.name}_copy{sum(isinstance(layer, FloatCopy) for layer in self.layers)}"
        shape = shape or (len(index), 1, index.size // len(index))
        source = self.view(node).name
        self.add_layer(FloatCopy(name, module_path(node), shape, source, loops, int(indices[0])))
        return name

    def shape(self, name: str) -> Shape:
        """Return the shape of a stored value."""
        index = self.find_producer(name)
        return batchless_shape(self.input) if index is None else self.layers[index].shape

    def constant_array(self, node: Any) -> Array | None:
        """Return the values of a parameter or buffer; None for None."""
        if node is None:
            return None
        if node.name not in self.values:
            raise unsupported(node, "weights must be parameters or buffers of the model")
        array: Array = self.values[node.name].detach().double().numpy()
        return array

    def add_layer(self, layer: Layer) -> None:
        """Append a layer."""
        self.layers.append(layer)

    def add_output(self, node: Any, layer: Layer) -> None:
        """Append the layer of a node, whose output is contiguous."""
        self.add_layer(layer)
        self.views[node.name] = contiguous_view(layer.name, node.meta["val"].shape)

    def find_producer(self, name: str) -> int | None:
        """Return the index of the layer that computes a stored value; None for the input."""
        indices = [i for i, layer in enumerate(self.layers) if layer.name == name]
        return indices[0] if indices else None

    def has_single_reader(self, node: Any) -> bool:
        """Return whether the stored value of a node has no reader but one reader of the node."""
        name = self.view(node).name
        while len(node.users) == 1 and node.name != name:
            node = node.args[0]
        return len(node.users) == 1

    def build_network(self) -> FloatNetwork:
        """Return the network."""
        shape = batchless_shape(self.input)
        return FloatNetwork(
            self.input.name, shape, tuple(self.layers), self.output, constants=self.constants
        )


def unsupported(node: Any, why: str) -> UsageError:
    """Return the error for an unsupported node."""
    return UsageError(f"{node.target} in {describe_location(node)} is not supported: {why}.")


def module_path(node: Any) -> str:
    """Return the path of the module of a node; "" for the model itself."""
    stack = list((node.meta.get("nn_module_stack") or {}).values())
    return str(stack[-1][0]) if stack else ""


def describe_location(node: Any) -> str:
    """Describe the location of a node: "blocks.2.conv (Conv2d), as conv2d_3"."""
    stack = list((node.meta.get("nn_module_stack") or {}).values())
    if not stack:
        return f"the model, as {node.name}"
    path, kind = stack[-1]
    kind = kind if isinstance(kind, str) else kind.__name__
    return f"{path or 'the model'} ({kind.rpartition('.')[2]}), as {node.name}"


def batchless_shape(node: Any) -> Shape:
    """Return the shape of a node's value without its batch axis, as (C, H, W).

    Raises:
        UsageError: The batch size is not one, there are over four axes, or the shape is not static.
    """
    sizes = tuple(node.meta["val"].shape)
    if not all(isinstance(n, int) for n in sizes):
        raise unsupported(node, f"its shape {sizes} is not static")
    if not 2 <= len(sizes) <= 4 or sizes[0] != 1:
        raise unsupported(node, f"its shape is {sizes}; expected (1, C, H, W), (1, C, T) or (1, F)")
    rest = sizes[1:]
    return {1: (*rest, 1, 1), 2: (rest[0], 1, rest[-1]), 3: rest}[len(rest)]


def get_argument(node: Any, position: int, name: str, default: Any = None) -> Any:
    """Return an argument of a node, positional or by name."""
    return node.args[position] if len(node.args) > position else node.kwargs.get(name, default)


def axis_pair(value: Any, flat: bool, one: int) -> tuple[int, int]:
    """Return a size as (y, x).

    Args:
        value: a number or a list.
        flat: whether the value belongs to a time series, which has no y axis.
        one: size along y of a time series.
    """
    sizes = list(value) if isinstance(value, Sequence) else [value]
    return (one, sizes[0]) if flat else (sizes[0], sizes[-1])


def features(shape: Sequence[int]) -> tuple[int, int]:
    """Return (features, tokens) of a torch shape whose last axis is features."""
    return int(shape[-1]), int(np.prod(shape[:-1]))
