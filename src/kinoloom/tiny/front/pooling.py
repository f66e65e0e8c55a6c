"""Rules for pooling: sliding windows, adaptive pooling with equal windows, means and maxima."""

from __future__ import annotations

from typing import Any

import numpy as np

from kinoloom.tiny.front.float_network import FloatPool
from kinoloom.tiny.front.reader import (
    Reader,
    axis_pair,
    batchless_shape,
    get_argument,
    module_path,
    unsupported,
)
from kinoloom.tiny.front.views import contiguous_view
from kinoloom.tiny.ir.program import Geometry

MAX_WINDOW = 256
"""Elements of a max-pooling window: the index of the maximum is one byte."""


def read_average_pool(reader: Reader, node: Any) -> None:
    """Read avg_pool1d or avg_pool2d."""
    if get_argument(node, 6, "divisor_override"):
        raise unsupported(node, "divisor_override must be None")
    read_pool(reader, node, "average", padded=get_argument(node, 5, "count_include_pad", True))


def read_max_pool(reader: Reader, node: Any) -> None:
    """Read max_pool1d or max_pool2d."""
    read_pool(reader, node, "max", dilation=get_argument(node, 4, "dilation", 1))


def read_pool(
    reader: Reader, node: Any, kind: Any, *, padded: bool = True, dilation: Any = 1
) -> None:
    """Read pooling with a sliding window.

    Args:
        reader: the network read so far.
        node: the torch node.
        kind: "average" or "max".
        padded: whether padding counts in the average.
        dilation: of the window, a number or a pair.
    """
    flat = len(node.meta["val"].shape) == 3
    size = get_argument(node, 1, "kernel_size")
    kh, kw = axis_pair(size, flat, 1)
    sy, sx = axis_pair(get_argument(node, 2, "stride") or size, flat, 1)
    py, px = axis_pair(get_argument(node, 3, "padding", 0), flat, 0)
    dy, dx = axis_pair(dilation, flat, 1)
    cin, ih, iw = batchless_shape(node.args[0])
    _, oh, ow = batchless_shape(node)
    ceil = get_argument(node, 5 if kind == "max" else 4, "ceil_mode", False)
    outside = (oh - 1) * sy + (kh - 1) * dy >= ih + 2 * py or (
        (ow - 1) * sx + (kw - 1) * dx >= iw + 2 * px
    )
    if (ceil and outside) or (kind == "average" and (py or px) and not padded):
        raise unsupported(
            node, "padding must count in the average, and ceil_mode must not add partial windows"
        )
    geometry = Geometry(cin, ih, iw, cin, oh, ow, kh, kw, sy, sx, py, px, dy, dx)
    _add_pool(reader, node, kind, geometry)


def adaptive_rule(kind: Any) -> Any:
    """Return a rule for adaptive pooling; its windows must be equal."""

    def rule(reader: Reader, node: Any) -> None:
        value = node.meta["val"]
        has_indices = isinstance(value, tuple | list)
        shape = value[0].shape if has_indices else value.shape
        cin, ih, iw = batchless_shape(node.args[0])
        oh, ow = (1, shape[-1]) if len(shape) == 3 else shape[-2:]
        if ih % oh or iw % ow:
            raise unsupported(node, f"its windows have different sizes: {ih}x{iw} to {oh}x{ow}")
        kh, kw = ih // oh, iw // ow
        _add_pool(reader, node, kind, Geometry(cin, ih, iw, cin, oh, ow, kh, kw, kh, kw))
        if has_indices:
            reader.parts[node.name, 0] = contiguous_view(node.name, shape)

    return rule


def _add_pool(reader: Reader, node: Any, kind: Any, g: Geometry) -> None:
    if kind == "max" and g.kh * g.kw > MAX_WINDOW:
        raise unsupported(
            node, f"its windows have {g.kh * g.kw} elements; a maximum is over at most {MAX_WINDOW}"
        )
    x, shape, window = reader.materialise(node.args[0]), (g.cout, g.oh, g.ow), g.kh * g.kw
    reader.add_layer(FloatPool(node.name, module_path(node), shape, x, kind, g, window))
    if not isinstance(node.meta["val"], tuple | list):
        reader.views[node.name] = contiguous_view(node.name, node.meta["val"].shape)


def reduction_rule(kind: Any) -> Any:
    """Return a rule for means or maxima over any axes: one window per remaining element."""

    def rule(reader: Reader, node: Any) -> None:
        shape = node.args[0].meta["val"].shape
        axes = get_argument(node, 1, "dim") or range(len(shape))
        reduced = sorted(a % len(shape) for a in ([axes] if isinstance(axes, int) else axes))
        kept = [a for a in range(len(shape)) if a not in reduced]
        count, window = (int(np.prod([shape[a] for a in group])) for group in (kept, reduced))
        if kind == "max" and window > MAX_WINDOW:
            raise unsupported(
                node, f"it reduces {window} elements; a maximum is over at most {MAX_WINDOW}"
            )
        x = reader.materialise(node.args[0], (*kept, *reduced))
        geometry = Geometry(count, 1, window, count, 1, 1, 1, window, 1, window)
        layer = FloatPool(node.name, module_path(node), (count, 1, 1), x, kind, geometry, window)
        reader.add_output(node, layer)

    return rule
