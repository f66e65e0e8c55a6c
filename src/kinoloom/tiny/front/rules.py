"""One rule for each ATen operator: from a node of torch's graph to a layer.

Shapes become (C, H, W) by dropping the batch axis of one: (1, C, T) is (C, 1, T), (1, F) is
(F, 1, 1). Views that keep the order of elements are only other names of the same value.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from kinoloom.errors import UsageError
from kinoloom.tiny.arithmetic import MOST_FAN_IN
from kinoloom.tiny.floats import (
    Layer,
    Network,
    RealAdd,
    RealClamp,
    RealConcat,
    RealConv,
    RealPool,
)
from kinoloom.tiny.ir import Array, Geometry, Shape


@dataclass
class Reader:
    """The network as far as it has been read.

    Attributes:
        values: parameters and buffers by node name.
        layers: in order.
        aliases: node names that stand for another value.
        pads: zero padding (left, right, top, bottom) that the next layer must take over.
    """

    values: dict[str, Array]
    layers: list[Layer] = field(default_factory=list)
    aliases: dict[str, str] = field(default_factory=dict)
    pads: dict[str, tuple[int, int, int, int]] = field(default_factory=dict)
    input: Any = None
    output: str = ""

    def take_input(self, node: Any) -> None:
        """Note the one input.

        Raises:
            UsageError: it is the second.
        """
        if self.input is not None:
            raise UsageError("The model must take one input.")
        self.input = node

    def name(self, node: Any) -> str:
        """The value that a node stands for.

        Raises:
            UsageError: it is a padded one, which only convolutions and average pools can read.
        """
        name = self.aliases.get(node.name, node.name)
        if name in self.pads:
            raise refuse(node, "padding is supported right before a convolution only")
        return str(name)

    def constant(self, node: Any) -> Array | None:
        """The array of a parameter's node; None for None."""
        if node is None:
            return None
        if node.name not in self.values:
            raise refuse(node, "weights must be parameters or buffers of the model")
        return self.values[node.name]

    def add(self, layer: Layer) -> None:
        """Take a layer in."""
        self.layers.append(layer)

    def maker(self, name: str) -> int | None:
        """The index of the layer that makes a value."""
        found = [i for i, layer in enumerate(self.layers) if layer.name == name]
        return found[0] if found else None

    def network(self) -> Network:
        """All of it."""
        return Network(self.input.name, shape_of(self.input), tuple(self.layers), self.output)


def refuse(node: Any, why: str) -> UsageError:
    """The error for a node that cannot be taken."""
    from kinoloom.tiny.front.read import where

    return UsageError(f"{node.target} in {where(node)} is not supported: {why}.")


def shape_of(node: Any) -> Shape:
    """The shape of a node's value without its batch axis, as (C, H, W).

    Raises:
        UsageError: it has no batch axis of one, is of over four axes, or is not static.
    """
    sizes = tuple(node.meta["val"].shape)
    if not all(isinstance(n, int) for n in sizes):
        raise refuse(node, f"its shape {sizes} is not static")
    if not 2 <= len(sizes) <= 4 or sizes[0] != 1:
        raise refuse(node, f"its shape is {sizes}; it must be (1, C, H, W), (1, C, T) or (1, F)")
    rest = sizes[1:]
    return {1: (*rest, 1, 1), 2: (rest[0], 1, rest[-1]), 3: rest}[len(rest)]


def argument(node: Any, place: int, name: str, default: Any = None) -> Any:
    """An argument of a node, given by place or by name."""
    return node.args[place] if len(node.args) > place else node.kwargs.get(name, default)


def pair(value: Any, flat: bool, one: int) -> tuple[int, int]:
    """(along y, along x) of a size given as a number or a list; `one` along y of a series."""
    sizes = list(value) if isinstance(value, Sequence) else [value]
    return (one, sizes[0]) if flat else (sizes[0], sizes[-1])


def source(reader: Reader, node: Any) -> tuple[str, tuple[int, int, int, int], Shape]:
    """The value that a node reads first, its padding, and its shape before padding."""
    x = node.args[0]
    name = reader.aliases.get(x.name, x.name)
    shape = shape_of(x)
    if name not in reader.pads:
        return name, (0, 0, 0, 0), shape
    left, right, top, bottom = reader.pads[name]
    inner = (shape[0], shape[1] - top - bottom, shape[2] - left - right)
    return reader.aliases[name + ".inner"], reader.pads[name], inner


def conv(reader: Reader, node: Any) -> None:
    """conv1d, conv2d."""
    weight = reader.constant(node.args[1])
    bias = reader.constant(argument(node, 2, "bias"))
    if weight is None:
        raise refuse(node, "it has no weights")
    flat = weight.ndim == 3
    weight = weight[:, :, None] if flat else weight
    padding = argument(node, 4, "padding", 0)
    if isinstance(padding, str):
        raise refuse(node, "padding must be given in numbers")
    x, pads, (cin, ih, iw) = source(reader, node)
    py, px = pair(padding, flat, 0)
    sy, sx = pair(argument(node, 3, "stride", 1), flat, 1)
    dy, dx = pair(argument(node, 5, "dilation", 1), flat, 1)
    cout, oh, ow = shape_of(node)
    geometry = Geometry(
        cin, ih, iw, cout, oh, ow, weight.shape[2], weight.shape[3], sy, sx,
        py + pads[2], px + pads[0], dy, dx, argument(node, 6, "groups", 1),
    )  # fmt: skip
    _take_conv(reader, node, x, geometry, weight, bias)


def linear(reader: Reader, node: Any) -> None:
    """A linear layer: a convolution of one pixel."""
    weight, bias = reader.constant(node.args[1]), reader.constant(argument(node, 2, "bias"))
    if weight is None or len(node.meta["val"].shape) != 2:
        raise refuse(node, "linear layers take (1, F); flatten first, or use a 1x1 convolution")
    cout, cin = weight.shape
    geometry = Geometry(cin, 1, 1, cout, 1, 1, 1, 1)
    _take_conv(reader, node, reader.name(node.args[0]), geometry, weight[:, :, None, None], bias)


def _take_conv(
    reader: Reader, node: Any, x: str, geometry: Geometry, weight: Array, bias: Array | None
) -> None:
    if geometry.fan_in > MOST_FAN_IN:
        raise refuse(node, f"it sums {geometry.fan_in} products; at most {MOST_FAN_IN} fit 32 bits")
    bias = np.zeros(geometry.cout) if bias is None else bias
    made = RealConv(
        node.name,
        _where(node),
        shape_of(node),
        x,
        geometry,
        weight,
        bias,
    )
    reader.add(made)


def _where(node: Any) -> str:
    from kinoloom.tiny.front.read import where

    return where(node)


def batch_norm(reader: Reader, node: Any) -> None:
    """Batch norm in eval mode: folded into the convolution before it, or a depthwise one."""
    scale, shift, mean, variance = (reader.constant(n) for n in node.args[1:5])
    if mean is None or variance is None or argument(node, 5, "training", False):
        raise refuse(node, "batch norm needs the statistics that eval mode uses")
    gain = (1 if scale is None else scale) / np.sqrt(variance + argument(node, 7, "eps", 1e-5))
    offset = (0 if shift is None else shift) - mean * gain
    x = reader.name(node.args[0])
    at = reader.maker(x)
    before = reader.layers[at] if at is not None else None
    if at is not None and isinstance(before, RealConv) and len(node.args[0].users) == 1:
        weight = before.weight * gain[:, None, None, None]
        bias = before.bias * gain + offset
        reader.layers[at] = replace(before, name=node.name, weight=weight, bias=bias)
        return
    c, h, w = shape_of(node)
    geometry = Geometry(c, h, w, c, h, w, 1, 1, groups=c)
    _take_conv(reader, node, x, geometry, gain[:, None, None, None], offset)


def clamp(low: float | None, high: float | None) -> Callable[[Reader, Any], None]:
    """A rule for an activation function that is a clamp of fixed bounds."""

    def rule(reader: Reader, node: Any) -> None:
        x = reader.name(node.args[0])
        reader.add(RealClamp(node.name, _where(node), shape_of(node), x, low=low, high=high))

    return rule


def bounded(first: str, second: str) -> Callable[[Reader, Any], None]:
    """A rule for a clamp whose bounds are arguments."""

    def rule(reader: Reader, node: Any) -> None:
        low, high = argument(node, 1, first), argument(node, 2, second)
        if second == "max_val":
            low, high = (-1 if low is None else low), (1 if high is None else high)
        if any(v is not None and not isinstance(v, int | float) for v in (low, high)):
            raise refuse(node, "the bounds must be numbers")
        clamp(low, high)(reader, node)

    return rule


def add(reader: Reader, node: Any) -> None:
    """The sum of two values of one shape."""
    a, b = node.args[:2]
    if not (hasattr(a, "name") and hasattr(b, "name")) or argument(node, 2, "alpha", 1) != 1:
        raise refuse(node, "only two values are added, with a factor of one")
    if shape_of(a) != shape_of(b) or b.name in reader.values or a.name in reader.values:
        raise refuse(node, "both values must be activations of one shape")
    names = reader.name(a), reader.name(b)
    reader.add(RealAdd(node.name, _where(node), shape_of(node), *names))


def average_pool(reader: Reader, node: Any) -> None:
    """avg_pool1d, avg_pool2d."""
    pool(reader, node, "average", padded=argument(node, 5, "count_include_pad", True))
    if argument(node, 6, "divisor_override"):
        raise refuse(node, "the divisor cannot be chosen")


def max_pool(reader: Reader, node: Any) -> None:
    """max_pool1d, max_pool2d."""
    pool(reader, node, "max", dilation=argument(node, 4, "dilation", 1))


def pool(reader: Reader, node: Any, kind: Any, *, padded: bool = True, dilation: Any = 1) -> None:
    """A pooling window that slides."""
    flat = len(node.meta["val"].shape) == 3
    size = argument(node, 1, "kernel_size")
    kh, kw = pair(size, flat, 1)
    sy, sx = pair(argument(node, 2, "stride") or size, flat, 1)
    py, px = pair(argument(node, 3, "padding", 0), flat, 0)
    dy, dx = pair(dilation, flat, 1)
    ceil = argument(node, 5 if kind == "max" else 4, "ceil_mode", False)
    if ceil or (kind == "average" and (py or px) and not padded):
        raise refuse(node, "neither ceil_mode nor a divisor that leaves out padding is")
    if kh * kw > 256:
        raise refuse(node, "windows have at most 256 elements")
    cin, ih, iw = shape_of(node.args[0])
    _, oh, ow = shape_of(node)
    geometry = Geometry(cin, ih, iw, cin, oh, ow, kh, kw, sy, sx, py, px, dy, dx)
    x = reader.name(node.args[0])
    reader.add(RealPool(node.name, _where(node), shape_of(node), kind, x, geometry, kh * kw))


def global_pool(reader: Reader, node: Any) -> None:
    """A mean over all of a picture or series, or an adaptive pool whose windows are equal."""
    cin, ih, iw = shape_of(node.args[0])
    out, oh, ow = shape_of(node)
    if str(node.target).startswith("aten.mean"):
        rank = len(node.args[0].meta["val"].shape)
        dims = sorted(d % rank for d in (node.args[1] if len(node.args) > 1 else []) or [])
        if dims != list(range(2, rank)):
            raise refuse(node, "means are taken over all of height and width only")
        oh = ow = 1
        out = cin
    if out != cin or ih % oh or iw % ow:
        raise refuse(node, f"its windows differ: {ih}x{iw} to {oh}x{ow}")
    kh, kw = ih // oh, iw // ow
    geometry = Geometry(cin, ih, iw, cin, oh, ow, kh, kw, kh, kw)
    x = reader.name(node.args[0])
    reader.add(RealPool(node.name, _where(node), (cin, oh, ow), "average", x, geometry, kh * kw))


def concat(reader: Reader, node: Any) -> None:
    """Channels one after the other."""
    if argument(node, 1, "dim", 0) % len(node.meta["val"].shape) != 1:
        raise refuse(node, "values are joined along channels only")
    xs = tuple(reader.name(x) for x in node.args[0])
    reader.add(RealConcat(node.name, _where(node), shape_of(node), xs))


def pad(reader: Reader, node: Any) -> None:
    """Zero padding of height and width, taken over by the convolution after it."""
    sizes = [*node.args[1], 0, 0][:4]
    mode, value = argument(node, 2, "mode", "constant"), argument(node, 3, "value", 0)
    plain = mode == "constant" or isinstance(mode, int | float)
    if not plain or value or len(node.args[1]) > 4 or min(sizes) < 0:
        raise refuse(node, "only zeros are padded, and only to height and width")
    reader.aliases[node.name + ".inner"] = reader.name(node.args[0])
    reader.pads[node.name] = (sizes[0], sizes[1], sizes[2], sizes[3])


def view(reader: Reader, node: Any) -> None:
    """Another shape of the same elements in the same order."""
    shape = node.meta["val"].shape
    if math.prod(shape) != math.prod(node.args[0].meta["val"].shape) or shape[0] != 1:
        raise refuse(node, "a view must keep all elements and the batch axis")
    reader.aliases[node.name] = reader.name(node.args[0])


RULES: dict[str, Callable[[Reader, Any], None]] = {
    "aten.conv1d.default": conv,
    "aten.conv2d.default": conv,
    "aten.linear.default": linear,
    "aten.batch_norm.default": batch_norm,
    "aten.relu.default": clamp(0, None),
    "aten.relu_.default": clamp(0, None),
    "aten.relu6.default": clamp(0, 6),
    "aten.relu6_.default": clamp(0, 6),
    "aten.hardtanh.default": bounded("min_val", "max_val"),
    "aten.hardtanh_.default": bounded("min_val", "max_val"),
    "aten.clamp.default": bounded("min", "max"),
    "aten.clamp_.default": bounded("min", "max"),
    "aten.add.Tensor": add,
    "aten.add_.Tensor": add,
    "aten.avg_pool1d.default": average_pool,
    "aten.avg_pool2d.default": average_pool,
    "aten.max_pool1d.default": max_pool,
    "aten.max_pool2d.default": max_pool,
    "aten.adaptive_avg_pool1d.default": global_pool,
    "aten.adaptive_avg_pool2d.default": global_pool,
    "aten.mean.dim": global_pool,
    "aten.cat.default": concat,
    "aten.pad.default": pad,
    "aten.constant_pad_nd.default": pad,
    "aten.flatten.using_ints": view,
    "aten.view.default": view,
    "aten.reshape.default": view,
    "aten.squeeze.dim": view,
    "aten.squeeze.dims": view,
    "aten.unsqueeze.default": view,
    "aten.alias.default": view,
    "aten.clone.default": view,
    "aten.dropout.default": view,
}
