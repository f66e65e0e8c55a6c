"""Forward operations in numpy. float64 is exact for integers up to 2**53, so BLAS can sum them."""

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
    MseLoss,
    Rescale,
    SoftmaxLoss,
)
from kinoloom.tiny.ir.program import Array, Geometry
from kinoloom.tiny.ir.sequence_ops import MatMul, Normalise
from kinoloom.tiny.simulate.memory import Memory
from kinoloom.tiny.simulate.windows import extract_patches, taps

Clamped = Conv | Add | Rescale | Concat | AveragePool | MatMul | Normalise


def store_clamped(memory: Memory, values: Array, op: Clamped) -> None:
    """Add the zero point to `values`, clamp and store them, and store the mask if there is one."""
    values = values + op.y_zero
    memory[op.y] = np.clip(values, op.low, op.high).astype(np.int8)
    if op.mask:
        memory[op.mask] = (values >= op.low) & (values <= op.high)


def weights_of(memory: Memory, op: Conv) -> Array:
    """The whole weights (cout, cin / groups, kh, kw) of a convolution, both parts together."""
    return memory.join_weights(op.weights, op.geometry)


def convolve(x: Array, weights: Array, g: Geometry) -> Array:
    """Return the exact convolution (cout, oh, ow) as int64, without bias."""
    columns = extract_patches(x.astype(np.float64), g).reshape(g.groups, -1, g.oh * g.ow)
    rows = weights.astype(np.float64).reshape(g.groups, g.cout // g.groups, -1)
    return np.asarray(np.matmul(rows, columns).reshape(g.cout, g.oh, g.ow), np.int64)


def run_conv(memory: Memory, op: Conv) -> None:
    """Run `Conv`."""
    g = op.geometry
    x = memory.view(op.x, (g.cin, g.ih, g.iw)).astype(np.int64) - op.x_zero
    total = convolve(x, memory.join_weights(op.weights, op.geometry), g)
    total += memory[op.bias].astype(np.int64).reshape(-1, 1, 1)
    if op.factors:
        factors = memory[op.factors].reshape(-1, 1, 1)
        memory[op.y] = total.astype(np.float32) * factors
        return
    multipliers = memory[op.multipliers].reshape(-1, 1, 1)
    store_clamped(memory, requantise(total, multipliers, memory[op.shifts].reshape(-1, 1, 1)), op)


def run_add(memory: Memory, op: Add) -> None:
    """Run `Add`."""
    a = memory[op.a].astype(np.int64).ravel() - op.a_zero
    b = memory[op.b].astype(np.int64).ravel() - op.b_zero
    total = a * op.a_mult + b * op.b_mult
    store_clamped(memory, arithmetic.shift_right_rounded(total, op.shift), op)


def run_rescale(memory: Memory, op: Rescale) -> None:
    """Run `Rescale`."""
    x = memory[op.x].astype(np.int64) - op.x_zero
    store_clamped(memory, requantise(x, op.multiplier, op.shift), op)


def run_lookup(memory: Memory, op: Lookup) -> None:
    """Run `Lookup`."""
    memory[op.y] = memory[op.table][memory[op.x].astype(np.int64) + 128]


def copy_indices(op: Copy | CopyGrad) -> Array:
    """Return the index in x of each copied element, in order."""
    index = np.full(op.counts, op.start, np.int64)
    for axis, (count, stride) in enumerate(zip(op.counts, op.strides, strict=True)):
        steps = np.arange(count) * stride
        index += steps.reshape([-1 if a == axis else 1 for a in range(len(op.counts))])
    return index.ravel()


def run_copy(memory: Memory, op: Copy) -> None:
    """Run `Copy`."""
    memory[op.y] = memory[op.x].ravel()[copy_indices(op)]


def run_concat(memory: Memory, op: Concat) -> None:
    """Run `Concat`."""
    parts = [
        requantise(memory[x].astype(np.int64).ravel() - zero, multiplier, shift)
        for x, zero, multiplier, shift in zip(
            op.xs, op.x_zeros, op.multipliers, op.shifts, strict=True
        )
    ]
    store_clamped(memory, np.concatenate(parts), op)


def run_average_pool(memory: Memory, op: AveragePool) -> None:
    """Run `AveragePool`."""
    g = op.geometry
    x = memory.view(op.x, (g.cin, g.ih, g.iw)).astype(np.int64) - op.x_zero
    total = extract_patches(x, g).sum(axis=1)
    store_clamped(memory, requantise(total, op.multiplier, op.shift), op)


def run_max_pool(memory: Memory, op: MaxPool) -> None:
    """Run `MaxPool`."""
    g = op.geometry
    x = memory.view(op.x, (g.cin, g.ih, g.iw)).astype(np.int64)
    best = np.full((g.cout, g.oh, g.ow), -129, np.int64)
    which = np.zeros(best.shape, np.uint8)
    for tap in taps(g):
        candidates = x[:, tap.in_rows, tap.in_columns]
        part = (slice(None), tap.out_rows, tap.out_columns)
        larger = candidates > best[part]
        best[part] = np.where(larger, candidates, best[part])
        which[part] = np.where(larger, tap.ky * g.kw + tap.kx, which[part])
    memory[op.y] = best.astype(np.int8)
    if op.index:
        memory[op.index] = which


def run_dequantise(memory: Memory, op: Dequantise) -> None:
    """Run `Dequantise`."""
    x = memory[op.x].astype(np.int32) - op.zero
    memory[op.y] = np.float32(op.scale) * x.astype(np.float32)


def run_softmax_loss(memory: Memory, op: SoftmaxLoss) -> None:
    """Run `SoftmaxLoss`."""
    logits = memory[op.logits].ravel()
    label = int(memory[op.label].ravel()[0])
    peak = logits.max()
    powers = arithmetic.exp((logits - peak).astype(np.float32))
    total = arithmetic.sum_sequentially(powers)
    memory[op.loss] = np.float32(arithmetic.log(np.float32(total)) - (logits[label] - peak))
    if op.gradient:
        hot = (np.arange(op.count) == label).astype(np.float32)
        memory[op.gradient] = powers / total - hot


def run_mse_loss(memory: Memory, op: MseLoss) -> None:
    """Run `SquareLoss`."""
    difference = memory[op.predictions].ravel() - memory[op.label].ravel()
    count = np.float32(op.count)
    memory[op.loss] = arithmetic.sum_sequentially(difference * difference) / count
    if op.gradient:
        memory[op.gradient] = np.float32(2) * difference / count
