"""Rules for convolutions, linear layers, batch normalisation, and padding before them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from kinoloom.tiny.arithmetic import MAX_FAN_IN
from kinoloom.tiny.front.float_network import FloatConv
from kinoloom.tiny.front.reader import (
    Pads,
    Reader,
    axis_pair,
    batchless_shape,
    features,
    get_argument,
    module_path,
    unsupported,
)
from kinoloom.tiny.front.views import View, contiguous_view
from kinoloom.tiny.ir.program import Array, Geometry, Shape


def read_pad(reader: Reader, node: Any) -> None:
    """Read zero padding of height and width, which the next convolution absorbs."""
    sizes = [*node.args[1], 0, 0][:4]
    mode, value = get_argument(node, 2, "mode", "constant"), get_argument(node, 3, "value", 0)
    is_zero_padding = mode == "constant" or isinstance(mode, int | float)
    if not is_zero_padding or value or len(node.args[1]) > 4 or min(sizes) < 0:
        raise unsupported(node, "only zero padding of height and width is supported")
    reader.materialise(node.args[0])
    reader.pads[node.name] = (sizes[0], sizes[1], sizes[2], sizes[3])


def read_source(reader: Reader, node: Any) -> tuple[str, Pads, Shape]:
    """Return the stored value of a node's first argument, its padding and its unpadded shape."""
    x = node.args[0]
    if x.name not in reader.pads:
        return reader.materialise(x), (0, 0, 0, 0), batchless_shape(x)
    return reader.materialise(x.args[0]), reader.pads[x.name], batchless_shape(x.args[0])


def read_conv(reader: Reader, node: Any) -> None:
    """Read conv1d or conv2d, with numeric or named padding."""
    weight = reader.constant_array(node.args[1])
    bias = reader.constant_array(get_argument(node, 2, "bias"))
    if weight is None:
        raise unsupported(node, "it has no weights")
    flat = weight.ndim == 3
    weight = weight[:, :, None] if flat else weight
    x, pads, (cin, ih, iw) = read_source(reader, node)
    sy, sx = axis_pair(get_argument(node, 3, "stride", 1), flat, 1)
    dy, dx = axis_pair(get_argument(node, 5, "dilation", 1), flat, 1)
    kh, kw = weight.shape[2:]
    padding = get_argument(node, 4, "padding", 0)
    if isinstance(padding, str):  # "same" appends the extra zero of an odd total
        sides = ((kh - 1) * dy // 2, (kw - 1) * dx // 2) if padding == "same" else (0, 0)
    else:
        sides = axis_pair(padding, flat, 0)
    cout, oh, ow = batchless_shape(node)
    geometry = Geometry(
        cin, ih, iw, cout, oh, ow, kh, kw, sy, sx, sides[0] + pads[2], sides[1] + pads[0], dy, dx,
        get_argument(node, 6, "groups", 1),
    )  # fmt: skip
    add_conv(reader, node, x, geometry, weight, bias)
    reader.views[node.name] = contiguous_view(node.name, node.meta["val"].shape)


def read_linear(reader: Reader, node: Any) -> None:
    """Read a linear layer over the last axis as a pointwise convolution over the other axes."""
    weight, bias = (
        reader.constant_array(node.args[1]),
        reader.constant_array(get_argument(node, 2, "bias")),
    )
    if weight is None:
        raise unsupported(node, "it has no weights")
    add_feature_map(reader, node, node.args[0], weight[:, :, None, None], bias)


def add_feature_map(
    reader: Reader, node: Any, x: Any, weight: Array, bias: Array | None, groups: int = 1
) -> None:
    """Add a linear map of the features (last axis) of each token, a pointwise convolution."""
    shape = node.meta["val"].shape
    cout, tokens = features(shape)
    cin, _ = features(x.meta["val"].shape)
    geometry = Geometry(cin, 1, tokens, cout, 1, tokens, 1, 1, groups=groups)
    add_conv(reader, node, store_features_first(reader, x), geometry, weight, bias)
    reader.views[node.name] = features_last_view(node.name, shape)


def store_features_first(reader: Reader, node: Any) -> str:
    """Store a value with features on the last axis as (features, tokens) and return its name."""
    rank = len(node.meta["val"].shape)
    return reader.materialise(node, (rank - 1, *range(rank - 1)))


def features_last_view(name: str, shape: Any) -> View:
    """Return the view of a value that is stored as (features, tokens)."""
    view = contiguous_view(name, (shape[-1], *shape[:-1]))
    return replace(view, index=np.moveaxis(view.index, 0, -1))


def add_conv(
    reader: Reader, node: Any, x: str, geometry: Geometry, weight: Array, bias: Array | None
) -> None:
    """Add a convolution."""
    if geometry.fan_in > MAX_FAN_IN:
        raise unsupported(
            node, f"it sums {geometry.fan_in} products; at most {MAX_FAN_IN} fit 32 bits"
        )
    bias = np.zeros(geometry.cout) if bias is None else bias
    shape = (geometry.cout, geometry.oh, geometry.ow)
    reader.add_layer(FloatConv(node.name, module_path(node), shape, x, geometry, weight, bias))


def read_batch_norm(reader: Reader, node: Any) -> None:
    """Read batch normalisation: fold it into the previous convolution, or add a depthwise one."""
    scale, shift, mean, variance = (reader.constant_array(n) for n in node.args[1:5])
    if mean is None or variance is None or get_argument(node, 5, "training", False):
        raise unsupported(node, "batch normalisation needs running statistics in eval mode")
    gain = (1 if scale is None else scale) / np.sqrt(variance + get_argument(node, 7, "eps", 1e-5))
    offset = (0 if shift is None else shift) - mean * gain
    x = reader.materialise(node.args[0])
    at = reader.find_producer(x)
    before = reader.layers[at] if at is not None else None
    reader.views[node.name] = contiguous_view(node.name, node.meta["val"].shape)
    if at is not None and isinstance(before, FloatConv) and reader.has_single_reader(node.args[0]):
        weight = before.weight * gain[:, None, None, None]
        bias = before.bias * gain + offset
        reader.layers[at] = replace(before, name=node.name, weight=weight, bias=bias)
        return
    c, h, w = batchless_shape(node)
    geometry = Geometry(c, h, w, c, h, w, 1, 1, groups=c)
    add_conv(reader, node, x, geometry, gain[:, None, None, None], offset)


def read_affine_features(reader: Reader, node: Any) -> None:
    """Read addcmul(bias, x, weight), the affine map of a layer norm, as a depthwise convolution."""
    bias, weight = reader.constant_array(node.args[0]), reader.constant_array(node.args[2])
    if bias is None or weight is None or weight.ndim != 1 or bias.shape != weight.shape:
        raise unsupported(node, "only the affine map of a layer norm is supported")
    gain = weight[:, None, None, None]
    add_feature_map(reader, node, node.args[1], gain, bias, groups=weight.size)


def trim_convolution(reader: Reader, node: Any) -> bool:
    """Shorten the output of a convolution instead of slicing it.

    Temporal convolution networks remove the padding at the end in this way ("chomp").

    Returns:
        Whether the slice was absorbed by the convolution.
    """
    x = node.args[0]
    view = reader.views.get(x.name)
    at = reader.find_producer(view.name) if view is not None else None
    before = reader.layers[at] if at is not None else None
    dim, start = get_argument(node, 1, "dim", 0), get_argument(node, 2, "start")
    last = dim % len(x.meta["val"].shape) == len(x.meta["val"].shape) - 1
    if not (isinstance(before, FloatConv) and reader.has_single_reader(x) and last and not start):
        return False
    if (
        view is None
        or not view.is_stored_as(range(view.index.ndim))
        or get_argument(node, 4, "step", 1) != 1
    ):
        return False
    geometry = replace(before.geometry, ow=node.meta["val"].shape[-1])
    shape = (geometry.cout, geometry.oh, geometry.ow)
    reader.layers[at or 0] = replace(before, name=node.name, shape=shape, geometry=geometry)
    reader.views[node.name] = contiguous_view(node.name, node.meta["val"].shape)
    return True
