"""The network as far as it has been read, and what all rules ask of it."""

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
"""Zeros at the left, right, top and bottom."""


@dataclass
class Reader:
    """The network as far as it has been read.

    Attributes:
        values: parameters, buffers and what is computed of them only: torch tensors by node name.
        layers: in order.
        views: by node name, where its value lies.
        parts: the same for nodes with several results, by number; None for one that is not made.
        pads: zero padding that the next layer must take over, by node name.
        constants: real values that are read as activations, by name.
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
        """Note the one input.

        Raises:
            UsageError: it is the second.
        """
        if self.input is not None:
            raise UsageError("The model must take one input.")
        self.input = node
        try:
            batchless_shape(node)
        except UsageError as error:
            shape = tuple(node.meta["val"].shape)
            raise UsageError(
                f"The model's input has the shape {shape}, which is not static or not of a batch "
                "of one.",
                hint="Export it with one example of fixed size: (1, C, H, W), (1, C, T) or (1, F).",
            ) from error
        self.views[node.name] = contiguous_view(node.name, node.meta["val"].shape)

    def view(self, node: Any) -> View:
        """Where the value of a node lies.

        Raises:
            UsageError: it is padded, which only a convolution can read, or is a parameter.
        """
        if node.name in self.pads:
            raise unsupported(node, "padding is supported right before a convolution only")
        if node.name not in self.views:
            raise unsupported(node, "it is not computed from the input")
        return self.views[node.name]

    def materialise(self, node: Any, order: Sequence[int] | None = None) -> str:
        """The stored value that is this one with its axes in an order; copied if there is none."""
        view = self.view(node)
        order = range(view.index.ndim) if order is None else order
        if view.is_stored_as(order):
            return view.name
        shape = node.meta["val"].shape
        kept = order == range(view.index.ndim) and 2 <= len(shape) <= 4 and shape[0] == 1
        index = view.index.transpose(order)
        name = self._copy(node, index, batchless_shape(node) if kept else None)
        back = np.argsort(order)
        self.views[node.name] = View(
            name, contiguous_view(name, index.shape).index.transpose(back), index.size
        )
        return name

    def whole_view(self, node: Any) -> View:
        """The same value where it is the whole of a stored one, in any order; else a copy."""
        view = self.view(node)
        return view if view.is_whole else contiguous_view(self.materialise(node), view.index.shape)

    def _copy(self, node: Any, index: Array, shape: Shape | None) -> str:
        places = index.ravel()
        loops = find_loops(places)
        if loops is None:
            raise unsupported(node, "its elements lie in an order that has no strides")
        name = f"{node.name}_copy{sum(isinstance(layer, FloatCopy) for layer in self.layers)}"
        shape = shape or (len(index), 1, index.size // len(index))
        source = self.view(node).name
        self.add_layer(FloatCopy(name, module_path(node), shape, source, loops, int(places[0])))
        return name

    def shape(self, name: str) -> Shape:
        """The shape of a stored value."""
        at = self.find_producer(name)
        return batchless_shape(self.input) if at is None else self.layers[at].shape

    def constant_array(self, node: Any) -> Array | None:
        """The array of a parameter's node; None for None."""
        if node is None:
            return None
        if node.name not in self.values:
            raise unsupported(node, "weights must be parameters or buffers of the model")
        made: Array = self.values[node.name].detach().double().numpy()
        return made

    def add_layer(self, layer: Layer) -> None:
        """Take a layer in."""
        self.layers.append(layer)

    def add_output(self, node: Any, layer: Layer) -> None:
        """Take in the layer that makes the value of a node, in the node's own order."""
        self.add_layer(layer)
        self.views[node.name] = contiguous_view(layer.name, node.meta["val"].shape)

    def find_producer(self, name: str) -> int | None:
        """The index of the layer that makes a value."""
        found = [i for i, layer in enumerate(self.layers) if layer.name == name]
        return found[0] if found else None

    def has_single_reader(self, node: Any) -> bool:
        """Whether nothing but one reader of this node sees the stored value that it lies in."""
        name = self.view(node).name
        while len(node.users) == 1 and node.name != name:
            node = node.args[0]
        return len(node.users) == 1

    def build_network(self) -> FloatNetwork:
        """All of it."""
        shape = batchless_shape(self.input)
        return FloatNetwork(
            self.input.name, shape, tuple(self.layers), self.output, constants=self.constants
        )


def unsupported(node: Any, why: str) -> UsageError:
    """The error for a node that cannot be taken."""
    return UsageError(f"{node.target} in {describe_location(node)} is not supported: {why}.")


def module_path(node: Any) -> str:
    """The path of the module that a node came from; "" for the model itself."""
    stack = list((node.meta.get("nn_module_stack") or {}).values())
    return str(stack[-1][0]) if stack else ""


def describe_location(node: Any) -> str:
    """The module that a node came from: "blocks.2.conv (Conv2d), as conv2d_3"."""
    stack = list((node.meta.get("nn_module_stack") or {}).values())
    if not stack:
        return f"the model, as {node.name}"
    path, kind = stack[-1]
    kind = kind if isinstance(kind, str) else kind.__name__
    return f"{path or 'the model'} ({kind.rpartition('.')[2]}), as {node.name}"


def batchless_shape(node: Any) -> Shape:
    """The shape of a node's value without its batch axis, as (C, H, W).

    Raises:
        UsageError: it has no batch axis of one, is of over four axes, or is not static.
    """
    sizes = tuple(node.meta["val"].shape)
    if not all(isinstance(n, int) for n in sizes):
        raise unsupported(node, f"its shape {sizes} is not static")
    if not 2 <= len(sizes) <= 4 or sizes[0] != 1:
        raise unsupported(
            node, f"its shape is {sizes}; it must be (1, C, H, W), (1, C, T) or (1, F)"
        )
    rest = sizes[1:]
    return {1: (*rest, 1, 1), 2: (rest[0], 1, rest[-1]), 3: rest}[len(rest)]


def get_argument(node: Any, place: int, name: str, default: Any = None) -> Any:
    """An argument of a node, given by place or by name."""
    return node.args[place] if len(node.args) > place else node.kwargs.get(name, default)


def axis_pair(value: Any, flat: bool, one: int) -> tuple[int, int]:
    """(along y, along x) of a size given as a number or a list; `one` along y of a series."""
    sizes = list(value) if isinstance(value, Sequence) else [value]
    return (one, sizes[0]) if flat else (sizes[0], sizes[-1])


def features(shape: Sequence[int]) -> tuple[int, int]:
    """(features, tokens) of a torch shape whose last axis is the features."""
    return int(shape[-1]), int(np.prod(shape[:-1]))
