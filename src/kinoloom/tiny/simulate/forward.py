"""Forward operations in numpy. Integers are exact in float64 up to 2**53, so BLAS may sum them."""

from __future__ import annotations

import numpy as np

from kinoloom.tiny import arithmetic
from kinoloom.tiny.arithmetic import requantise
from kinoloom.tiny.ir.backward_ops import CopyGrad
from kinoloom.tiny.ir.forward_ops import (
    Add,
    AveragePool,
    Concat,
    Conv,
    Copy,
    Dequantise,
    Lookup,
    MaxPool,
    Rescale,
    SoftmaxLoss,
    SquareLoss,
)
from kinoloom.tiny.ir.program import Array, Geometry
from kinoloom.tiny.ir.sequence_ops import MatMul, Normalise
from kinoloom.tiny.simulate.memory import Memory
from kinoloom.tiny.simulate.windows import patches, taps

Clamped = Conv | Add | Rescale | Concat | AveragePool | MatMul | Normalise


def clamp(memory: Memory, values: Array, op: Clamped) -> None:
    """Store `values` (before the zero point is added) clamped, and the mask if it is asked for."""
    values = values + op.y_zero
    memory[op.y] = np.clip(values, op.low, op.high).astype(np.int8)
    if op.mask:
        memory[op.mask] = (values >= op.low) & (values <= op.high)


def weights_of(memory: Memory, op: Conv) -> Array:
    """The whole weights (cout, cin / groups, kh, kw) of a convolution, both parts together."""
    return memory.joined(op.weights, op.geometry)


def sums(x: Array, weights: Array, g: Geometry) -> Array:
    """Exact sums of products (cout, oh, ow) as int64, without bias."""
    columns = patches(x.astype(np.float64), g).reshape(g.groups, -1, g.oh * g.ow)
    rows = weights.astype(np.float64).reshape(g.groups, g.cout // g.groups, -1)
    return np.asarray(np.matmul(rows, columns).reshape(g.cout, g.oh, g.ow), np.int64)


def conv(memory: Memory, op: Conv) -> None:
    """`Conv`."""
    g = op.geometry
    x = memory.read(op.x, (g.cin, g.ih, g.iw)).astype(np.int64) - op.x_zero
    total = sums(x, weights_of(memory, op), g)
    total += memory[op.bias].astype(np.int64).reshape(-1, 1, 1)
    if op.factors:
        factors = memory[op.factors].reshape(-1, 1, 1)
        memory[op.y] = total.astype(np.float32) * factors
        return
    multipliers = memory[op.multipliers].reshape(-1, 1, 1)
    clamp(memory, requantise(total, multipliers, memory[op.shifts].reshape(-1, 1, 1)), op)


def add(memory: Memory, op: Add) -> None:
    """`Add`."""
    a = memory[op.a].astype(np.int64).ravel() - op.a_zero
    b = memory[op.b].astype(np.int64).ravel() - op.b_zero
    total = a * op.a_mult + b * op.b_mult
    clamp(memory, arithmetic.shift_rounded(total, op.shift), op)


def rescale(memory: Memory, op: Rescale) -> None:
    """`Rescale`."""
    x = memory[op.x].astype(np.int64) - op.x_zero
    clamp(memory, requantise(x, op.multiplier, op.shift), op)


def lookup(memory: Memory, op: Lookup) -> None:
    """`Lookup`."""
    memory[op.y] = memory[op.table][memory[op.x].astype(np.int64) + 128]


def places(op: Copy | CopyGrad) -> Array:
    """The place of each element, in order."""
    index = np.full(op.counts, op.start, np.int64)
    for axis, (count, stride) in enumerate(zip(op.counts, op.strides, strict=True)):
        steps = np.arange(count) * stride
        index += steps.reshape([-1 if a == axis else 1 for a in range(len(op.counts))])
    return index.ravel()


def copy(memory: Memory, op: Copy) -> None:
    """`Copy`."""
    memory[op.y] = memory[op.x].ravel()[places(op)]


def concat(memory: Memory, op: Concat) -> None:
    """`Concat`."""
    parts = [
        requantise(memory[x].astype(np.int64).ravel() - zero, multiplier, shift)
        for x, zero, multiplier, shift in zip(
            op.xs, op.x_zeros, op.multipliers, op.shifts, strict=True
        )
    ]
    clamp(memory, np.concatenate(parts), op)


def average_pool(memory: Memory, op: AveragePool) -> None:
    """`AveragePool`."""
    g = op.geometry
    x = memory.read(op.x, (g.cin, g.ih, g.iw)).astype(np.int64) - op.x_zero
    total = patches(x, g).sum(axis=1)
    clamp(memory, requantise(total, op.multiplier, op.shift), op)


def max_pool(memory: Memory, op: MaxPool) -> None:
    """`MaxPool`."""
    g = op.geometry
    x = memory.read(op.x, (g.cin, g.ih, g.iw)).astype(np.int64)
    best = np.full((g.cout, g.oh, g.ow), -129, np.int64)
    which = np.zeros(best.shape, np.uint8)
    for tap in taps(g):
        found = x[:, tap.in_rows, tap.in_columns]
        part = (slice(None), tap.out_rows, tap.out_columns)
        better = found > best[part]
        best[part] = np.where(better, found, best[part])
        which[part] = np.where(better, tap.ky * g.kw + tap.kx, which[part])
    memory[op.y] = best.astype(np.int8)
    if op.index:
        memory[op.index] = which


def dequantise(memory: Memory, op: Dequantise) -> None:
    """`Dequantise`."""
    x = memory[op.x].astype(np.int32) - op.zero
    memory[op.y] = np.float32(op.scale) * x.astype(np.float32)


def softmax_loss(memory: Memory, op: SoftmaxLoss) -> None:
    """`SoftmaxLoss`."""
    logits = memory[op.logits].ravel()
    label = int(memory[op.label].ravel()[0])
    top = logits.max()
    powers = arithmetic.exp((logits - top).astype(np.float32))
    total = arithmetic.sum_in_order(powers)
    memory[op.loss] = np.float32(arithmetic.log(np.float32(total)) - (logits[label] - top))
    if op.gradient:
        hot = (np.arange(op.count) == label).astype(np.float32)
        memory[op.gradient] = powers / total - hot


def square_loss(memory: Memory, op: SquareLoss) -> None:
    """`SquareLoss`."""
    difference = memory[op.outputs].ravel() - memory[op.label].ravel()
    count = np.float32(op.count)
    memory[op.loss] = arithmetic.sum_in_order(difference * difference) / count
    if op.gradient:
        memory[op.gradient] = np.float32(2) * difference / count
