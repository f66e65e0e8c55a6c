"""Rules for time series and token sequences: GRU, matrix products, softmax, layer norm."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from kinoloom.tiny.front.convolutions import features_last_view, store_features_first
from kinoloom.tiny.front.elementwise import elementwise_head
from kinoloom.tiny.front.float_network import (
    FloatAffine,
    FloatGru,
    FloatMatMul,
    FloatNormalise,
    FloatSoftmax,
)
from kinoloom.tiny.front.reader import Reader, features, get_argument, module_path, unsupported
from kinoloom.tiny.front.views import View, contiguous_view, find_strides
from kinoloom.tiny.ir.program import Array, Geometry

MAX_INNER = 16384
"""Products of two 9-bit values whose sum fits 32 bits."""


def read_gru(reader: Reader, node: Any) -> None:
    """Read nn.GRU(batch_first=True) with any number of layers and a zero initial state."""
    x, start, weights, biased, layers = node.args[:5]
    both_ways, batch_first = node.args[7:9]
    _, time, inputs = x.meta["val"].shape
    if not batch_first:
        raise unsupported(node, "the batch axis must come first; create it with batch_first=True")
    if both_ways:
        raise unsupported(node, "bidirectional cells read future inputs; use bidirectional=False")
    if start.name not in reader.values or bool(reader.values[start.name].any()):
        raise unsupported(node, "the initial state must be zero; do not pass one")
    if time < 2:
        raise unsupported(node, f"it has {time} time step; expected at least 2")
    name, per_layer = store_features_first(reader, x), 4 if biased else 2
    for layer in range(layers):
        params = [
            reader.constant_array(w) for w in weights[per_layer * layer : per_layer * (layer + 1)]
        ]
        output = f"{node.name}_{layer}" if layers > 1 else node.name
        gates = _gates(params, inputs, time)
        inputs = gates[1].geometry.cin
        reader.add_layer(FloatGru(output, module_path(node), (inputs, 1, time), name, *gates))
        name = output
    sequence = features_last_view(name, (1, time, inputs))
    reader.parts[node.name, 0] = sequence
    last = replace(sequence, index=sequence.index[:, -1:, :])
    reader.parts[node.name, 1] = last if layers == 1 else None


def _gates(params: list[Array | None], inputs: int, time: int) -> tuple[Any, Any]:
    """Return the linear maps from the input and from the previous state (y shifted by one)."""
    from kinoloom.tiny.front.float_network import Gates

    w_in, w_state = params[:2]
    assert w_in is not None
    assert w_state is not None
    count, units = w_state.shape
    zeros = np.zeros(count)
    b_in, b_state = (params[2], params[3]) if len(params) == 4 else (zeros, zeros)
    one = Geometry(inputs, 1, time, count, 1, time, 1, 1)
    two = Geometry(units, 1, time, count, 1, time, 1, 1, px=1)
    return (
        Gates(one, w_in[:, :, None, None], zeros if b_in is None else b_in),
        Gates(two, w_state[:, :, None, None], zeros if b_state is None else b_state),
    )


def read_layer_norm(reader: Reader, node: Any) -> None:
    """Read a layer norm over the last axis, without its affine map (see `decompose`)."""
    if len(node.args[1]) != 1:
        raise unsupported(node, "it must normalise over the last axis only")
    shape = node.meta["val"].shape
    count, tokens = features(shape)
    eps = get_argument(node, 4, "eps", 1e-5)
    x = store_features_first(reader, node.args[0])
    reader.add_layer(FloatNormalise(node.name, module_path(node), (count, 1, tokens), x, eps))
    reader.views[node.name] = features_last_view(node.name, shape)


def read_matmul(reader: Reader, node: Any) -> None:
    """Read a matrix product of (..., M, K) and (..., K, N) with equal leading axes.

    It is stored as (..., N, M), so the result of attention has features first.
    """
    a, b = node.args[:2]
    shape = node.meta["val"].shape
    if a.meta["val"].shape[:-2] != b.meta["val"].shape[:-2] or len(shape) < 2:
        raise unsupported(node, "both values must have equal axes before the last two")
    for value in (a, b):
        if value.name in reader.values:
            raise unsupported(node, "one factor is a parameter; use nn.Linear")
    m, n = shape[-2:]
    inner = a.meta["val"].shape[-1]
    heads = int(np.prod(shape[:-2]))
    if inner > MAX_INNER:
        raise unsupported(node, f"it sums {inner} products; at most {MAX_INNER} fit 32 bits")
    left, a_at, a_strides = _strided(reader, a, (heads, m, inner))
    right, b_at, b_strides = _strided(reader, b, (heads, inner, n))
    layer = FloatMatMul(
        node.name, module_path(node), (heads, n, m), left, right, inner, (a_at, *a_strides),
        (b_at, *b_strides),
    )  # fmt: skip
    reader.add_layer(layer)
    view = contiguous_view(node.name, (*shape[:-2], n, m))
    reader.views[node.name] = replace(view, index=view.index.swapaxes(-1, -2))


def _strided(
    reader: Reader, node: Any, shape: tuple[int, int, int]
) -> tuple[str, int, tuple[int, ...]]:
    """Return (stored value, offset, strides) of a node's value with three axes; copy if needed."""
    view = reader.view(node)
    strides = find_strides(view.index.reshape(shape))
    if strides is None:
        name = reader.materialise(node)
        view = contiguous_view(name, shape)
        strides = find_strides(view.index)
    assert strides is not None
    return view.name, int(view.index.flat[0]), strides


def read_softmax(reader: Reader, node: Any) -> None:
    """Read a softmax over one axis; a positive factor directly before it is folded."""
    axis = get_argument(node, 1, "dim", -1)
    view, gain = _store_along(reader, node.args[0], axis), 1.0
    at = reader.find_producer(view.name)
    before = reader.layers[at] if at is not None else None
    if (
        isinstance(before, FloatAffine)
        and before.gain > 0
        and reader.has_single_reader(node.args[0])
    ):
        gain, view = before.gain, replace(view, name=before.x)
        reader.layers.remove(before)
    rows = np.moveaxis(view.index, axis, -1)
    count = rows.shape[-1]
    inner = int(rows.flat[1] - rows.flat[0]) if count > 1 else 1
    head = elementwise_head(reader, node, view)
    reader.add_layer(FloatSoftmax(*head, count, inner, gain))


def _store_along(reader: Reader, node: Any, axis: int) -> View:
    """Return a view of a node's value with one stride along an axis; copy if needed."""
    view = reader.whole_view(node)
    rows = np.moveaxis(view.index, axis, -1)
    count = rows.shape[-1]
    inner = int(rows.flat[1] - rows.flat[0]) if count > 1 else 1
    if inner > 0:
        starts = np.sort(rows[..., 0].ravel())
        blocks = np.arange(view.size // (count * inner))[:, None] * count * inner
        fits = np.array_equal(starts, (blocks + np.arange(inner)).ravel())
        steps = rows == rows[..., :1] + np.arange(count) * inner
        if fits and bool(steps.all()):
            return view
    shape = view.index.shape
    order = [a for a in range(len(shape)) if a != axis % len(shape)] + [axis % len(shape)]
    reader.materialise(node, order)
    return reader.whole_view(node)
