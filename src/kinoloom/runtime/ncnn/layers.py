"""The ONNX nodes of each type of ncnn layer.

ncnn's blobs (channels, height, width) become tensors (batch, channels, height, width). Weights
stored in float16 stay so, followed by a Cast: networks compute in float32.

Source: the layers of ncnn and their documentation (operators, binaryop-broadcasting); the operators
of ONNX, version 18.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinoloom.runtime.ncnn.param import Layer
from kinoloom.runtime.ncnn.weights import WeightReader
from kinoloom.runtime.onnx_writer import FLOAT32, Attribute, Node

_MOST = 1 << 16
"""The most channels, or pixels of a kernel."""
_BINARY = ("Add", "Sub", "Mul", "Div", "Max", "Min", "Pow", "Sub", "Div")
"""Operators of BinaryOp; those from `_FIRST_REVERSED` on exchange their inputs."""
_FIRST_REVERSED = 7
_INPUTS = {"MemoryData": (0, 0), "Concat": (1, _MOST), "Eltwise": (2, _MOST)}
"""The least and most inputs of a type of layer, where they are not one."""
_NONE: Mapping[str, Attribute] = MappingProxyType({})
_INTERPOLATION: dict[int, dict[str, Attribute]] = {
    1: {
        "mode": "nearest",
        "coordinate_transformation_mode": "asymmetric",
        "nearest_mode": "floor",
    },
    2: {"mode": "linear", "coordinate_transformation_mode": "half_pixel"},
    3: {
        "mode": "cubic",
        "coordinate_transformation_mode": "half_pixel",
        "cubic_coeff_a": -0.75,
    },
}


class Builder:
    """Collects the nodes and constants of a graph.

    Args:
        weights: the arrays of the network.
    """

    def __init__(self, weights: WeightReader) -> None:
        self.weights = weights
        self.nodes: list[Node] = []
        self.constants: dict[str, NDArray[Any]] = {}
        self._values: dict[str, str] = {}
        self._names: set[str] = set()
        self._uses: dict[str, int] = {}

    def name(self, wish: str) -> str:
        """Return a name that nothing in the graph has: `wish`, or `wish` with a number."""
        name = wish
        while name in self._names:
            self._uses[wish] = self._uses.get(wish, 0) + 1
            name = f"{wish}_{self._uses[wish]}"
        self._names.add(name)
        return name

    def value(self, blob: str) -> str:
        """Return the value that a blob stands for.

        Raises:
            ValueError: no earlier layer writes the blob.
        """
        if blob not in self._values:
            raise ValueError(f"no earlier layer writes the blob '{blob}'")
        return self._values[blob]

    def define(self, blob: str, value: str) -> None:
        """Let a blob stand for a value.

        Raises:
            ValueError: two layers write the blob.
        """
        if blob in self._values:
            raise ValueError(f"two layers write the blob '{blob}'")
        self._values[blob] = value

    def add(self, op: str, *inputs: str, attributes: Mapping[str, Attribute] = _NONE) -> str:
        """Add a node; return the name of its output."""
        output = self.name(op.lower())
        self.nodes.append(Node(op, inputs, (output,), attributes))
        return output

    def constant(self, wish: str, array: NDArray[Any]) -> str:
        """Add a constant; return the name of its value in float32 (or int64)."""
        name = self.name(wish)
        self.constants[name] = array
        if array.dtype != np.float16:
            return name
        return self.add("Cast", name, attributes={"to": FLOAT32})

    def scalar(self, wish: str, value: float) -> str:
        """Add a constant of one number; return its name."""
        return self.constant(wish, np.array(value, np.float32))


def convert_layer(builder: Builder, layer: Layer) -> None:
    """Add the nodes of a layer, and define its output.

    Raises:
        ValueError: its type, a parameter or its number of inputs is not supported, or its weights
            are damaged.
    """
    converter = _CONVERTERS.get(layer.kind)
    if converter is None:
        raise ValueError(
            f"layer '{layer.name}' has the type '{layer.kind}', which is not supported; supported "
            f"are {', '.join(sorted(_CONVERTERS))}"
        )
    inputs = [builder.value(blob) for blob in layer.inputs]
    _check_counts(layer)
    value = converter(builder, layer, inputs)
    for blob in layer.outputs:
        builder.define(blob, value)


def _check_counts(layer: Layer) -> None:
    """Check the numbers of a layer's inputs and outputs."""
    kind, count = layer.kind, len(layer.inputs)
    least, most = _INPUTS.get(kind, (1, 1))
    if kind == "BinaryOp" and not layer.whole(1):
        least = most = 2
    if not least <= count <= most or not layer.outputs or (kind != "Split" and layer.outputs[1:]):
        raise ValueError(
            f"layer '{layer.name}' ({kind}) has {count} inputs and {len(layer.outputs)} outputs, "
            "which is not supported"
        )


def _convert_alias(builder: Builder, layer: Layer, inputs: list[str]) -> str:
    return inputs[0]


def _convert_convolution(builder: Builder, layer: Layer, inputs: list[str]) -> str:
    for key, what in ((8, "int8 weights"), (19, "weights from another layer")):
        if layer.whole(key):
            raise ValueError(f"layer '{layer.name}' has {what}, which is not supported")
    if layer.real(18):
        raise ValueError(f"layer '{layer.name}' pads with {layer.real(18)}; only 0 is supported")
    outputs = layer.whole(0, low=1, high=_MOST)
    width = layer.whole(1, low=1, high=_MOST)
    height = layer.whole(11, width, low=1, high=_MOST)
    groups = layer.whole(7, 1, low=1, high=_MOST) if layer.kind != "Convolution" else 1
    size = layer.whole(6, low=1)
    depth = size // (outputs * height * width)
    if depth * outputs * height * width != size or outputs % groups:
        raise ValueError(
            f"layer '{layer.name}' has {size} weights, which do not fit {outputs} outputs, "
            f"{groups} groups and a kernel of {width}x{height}"
        )
    attributes: dict[str, Attribute] = {"kernel_shape": (height, width), "group": groups}
    attributes.update(_describe_geometry(layer))
    kernel = builder.weights.take_tagged(size, layer.name)
    shape = (outputs, depth, height, width)
    tensors = [builder.constant(f"{layer.name}.weight", kernel.reshape(shape))]
    if layer.whole(5):
        bias = builder.weights.take(outputs, layer.name)
        tensors.append(builder.constant(f"{layer.name}.bias", bias))
    value = builder.add("Conv", inputs[0], *tensors, attributes=attributes)
    return _activate(builder, layer, value)


def _describe_geometry(layer: Layer) -> dict[str, tuple[int, ...]]:
    """Return strides, dilations and pads of a convolution; the height follows the width."""
    step, gap = (layer.whole(key, 1, low=1, high=_MOST) for key in (3, 2))
    strides = (layer.whole(13, step, low=1, high=_MOST), step)
    dilations = (layer.whole(12, gap, low=1, high=_MOST), gap)
    left = layer.whole(4, high=_MOST)
    top = layer.whole(14, left, high=_MOST)
    pads = (top, left, layer.whole(16, top, high=_MOST), layer.whole(15, left, high=_MOST))
    return {"strides": strides, "dilations": dilations, "pads": pads}


def _activate(builder: Builder, layer: Layer, value: str) -> str:
    """Apply the activation that is part of a convolution."""
    kind, values = layer.whole(9), layer.array(10)
    needed = {0: 0, 1: 0, 2: 1, 3: 2, 4: 0}.get(kind)
    if needed is None or len(values) < needed:
        raise ValueError(
            f"layer '{layer.name}' has the activation {kind} with {len(values)} values, which is "
            "not supported"
        )
    if kind == 1:
        return builder.add("Relu", value)
    if kind == 2:
        return builder.add("LeakyRelu", value, attributes={"alpha": values[0]})
    if kind == 3:
        return _clip(builder, layer, value, values[0], values[1])
    return builder.add("Sigmoid", value) if kind == 4 else value


def _clip(builder: Builder, layer: Layer, value: str, low: float, high: float) -> str:
    limits = [builder.scalar(f"{layer.name}.{n}", x) for n, x in (("low", low), ("high", high))]
    return builder.add("Clip", value, *limits)


def _convert_clip(builder: Builder, layer: Layer, inputs: list[str]) -> str:
    return _clip(builder, layer, inputs[0], layer.real(0, -3e38), layer.real(1, 3e38))


def _convert_prelu(builder: Builder, layer: Layer, inputs: list[str]) -> str:
    slopes = builder.weights.take(layer.whole(0, low=1, high=_MOST), layer.name)
    name = builder.constant(f"{layer.name}.slope", slopes.reshape(-1, 1, 1))
    return builder.add("PRelu", inputs[0], name)


def _convert_relu(builder: Builder, layer: Layer, inputs: list[str]) -> str:
    slope = layer.real(0)
    return (
        builder.add("LeakyRelu", inputs[0], attributes={"alpha": slope})
        if slope
        else builder.add("Relu", inputs[0])
    )


def _convert_sigmoid(builder: Builder, layer: Layer, inputs: list[str]) -> str:
    return builder.add("Sigmoid", inputs[0])


def _convert_swish(builder: Builder, layer: Layer, inputs: list[str]) -> str:
    return builder.add("Mul", inputs[0], builder.add("Sigmoid", inputs[0]))


def _convert_concat(builder: Builder, layer: Layer, inputs: list[str]) -> str:
    axis = layer.whole(0, low=-3, high=2)
    return builder.add("Concat", *inputs, attributes={"axis": axis % 3 + 1})


def _convert_binary(builder: Builder, layer: Layer, inputs: list[str]) -> str:
    kind = layer.whole(0, high=len(_BINARY) - 1)
    if layer.whole(1):
        inputs = [inputs[0], builder.scalar(f"{layer.name}.value", layer.real(2))]
    if kind >= _FIRST_REVERSED:
        inputs = inputs[::-1]
    return builder.add(_BINARY[kind], *inputs)


def _convert_eltwise(builder: Builder, layer: Layer, inputs: list[str]) -> str:
    kind, factors = layer.whole(0, high=2), layer.array(1)
    if kind != 1:
        return _chain(builder, "Max" if kind else "Mul", inputs)
    if factors and len(factors) != len(inputs):
        raise ValueError(
            f"layer '{layer.name}' has {len(factors)} coefficients for {len(inputs)} inputs"
        )
    terms = [
        value
        if factor == 1
        else builder.add("Mul", value, builder.scalar(f"{layer.name}.factor", factor))
        for value, factor in zip(inputs, factors or [1.0] * len(inputs), strict=True)
    ]
    return _chain(builder, "Add", terms)


def _chain(builder: Builder, op: str, values: list[str]) -> str:
    result = values[0]
    for value in values[1:]:
        result = builder.add(op, result, value)
    return result


def _convert_shuffle(builder: Builder, layer: Layer, inputs: list[str]) -> str:
    side = layer.whole(0, 1, low=1, high=64)
    mode = "DCR" if layer.whole(1, high=1) else "CRD"
    return builder.add("DepthToSpace", inputs[0], attributes={"blocksize": side, "mode": mode})


def _convert_interpolation(builder: Builder, layer: Layer, inputs: list[str]) -> str:
    kind = layer.whole(0, low=1, high=3)
    if any(layer.whole(key) for key in (3, 4, 5, 6)):
        raise ValueError(
            f"layer '{layer.name}' resizes to a fixed size or aligns corners, which is not "
            "supported; expected a scale"
        )
    scales = (layer.real(1, 1.0), layer.real(2, 1.0))
    if not all(1 / 64 <= scale <= 64 for scale in scales):
        raise ValueError(f"layer '{layer.name}' has the scales {scales}; expected 1/64 to 64")
    sides = np.array([1, 1, *scales], np.float32)
    name = builder.constant(f"{layer.name}.scales", sides)
    return builder.add("Resize", inputs[0], "", name, attributes=_INTERPOLATION[kind])


def _convert_memory(builder: Builder, layer: Layer, inputs: list[str]) -> str:
    """Convert a constant: (channels, height, width), or one value for each channel."""
    width, height, channels = (layer.whole(key, high=_MOST) for key in (0, 1, 2))
    shape = (channels, height, width) if height else (width, 1, 1)
    if layer.whole(11) or 0 in shape or (channels and not height):
        raise ValueError(
            f"layer '{layer.name}' has the sides {width}, {height} and {channels}; only one or "
            "three axes are supported"
        )
    is_plain = layer.whole(21, 1, high=1) == 1
    take = builder.weights.take if is_plain else builder.weights.take_tagged
    array = take(math.prod(shape), layer.name)
    return builder.constant(f"{layer.name}.data", array.reshape(1, *shape))


_CONVERTERS: Mapping[str, Callable[[Builder, Layer, list[str]], str]] = {
    "BinaryOp": _convert_binary,
    "Clip": _convert_clip,
    "Concat": _convert_concat,
    "Convolution": _convert_convolution,
    "ConvolutionDepthWise": _convert_convolution,
    "Eltwise": _convert_eltwise,
    "Interp": _convert_interpolation,
    "MemoryData": _convert_memory,
    "Noop": _convert_alias,
    "PReLU": _convert_prelu,
    "PixelShuffle": _convert_shuffle,
    "ReLU": _convert_relu,
    "Sigmoid": _convert_sigmoid,
    "Split": _convert_alias,
    "Swish": _convert_swish,
}
