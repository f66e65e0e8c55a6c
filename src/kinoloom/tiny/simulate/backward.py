"""Backward operations and updates in numpy; float32 sums go one term at a time, as in C."""

from __future__ import annotations

import numpy as np

from kinoloom.tiny import arithmetic
from kinoloom.tiny.ir.backward_ops import (
    Accumulate,
    AveragePoolGrad,
    BiasGrad,
    BiasStep,
    ConvGradX,
    CopyGrad,
    LookupGrad,
    MaskGrad,
    MaxPoolGrad,
    ScaleGrad,
    SliceGrad,
    Step,
    WeightGrad,
    WeightStep,
)
from kinoloom.tiny.ir.program import Array
from kinoloom.tiny.simulate.forward import places
from kinoloom.tiny.simulate.memory import Memory
from kinoloom.tiny.simulate.windows import patches, taps


def mask_grad(memory: Memory, op: MaskGrad) -> None:
    """`MaskGrad`."""
    mask = memory[op.mask].ravel()
    memory[op.y] = np.where(mask, memory[op.g].ravel(), np.float32(0))


def conv_grad_x(memory: Memory, op: ConvGradX) -> None:
    """`ConvGradX`; all input channels of all groups at once, output channels one by one."""
    g = op.geometry
    outs, ins = g.cout // g.groups, g.cin // g.groups
    weights = memory.joined(op.weights, g).astype(np.float32)
    real = (memory[op.scales].reshape(-1, 1, 1, 1) * weights).reshape(
        g.groups, outs, ins, g.kh, g.kw
    )
    gy = memory.read(op.g, (g.groups, outs, g.oh, g.ow))
    shape = (g.groups, ins, g.ih, g.iw)
    gx = memory.read(op.onto, shape).copy() if op.onto else np.zeros(shape, np.float32)
    for co in range(outs):
        for tap in taps(g):
            part = gy[:, co, None, tap.out_rows, tap.out_columns]
            weight = real[:, co, :, tap.ky, tap.kx][:, :, None, None]
            gx[:, :, tap.in_rows, tap.in_columns] += weight * part
    memory[op.y] = gx


def weight_gradient(memory: Memory, op: WeightGrad) -> Array:
    """Gradients (rows, columns, kh, kw) of the kept weights; see `WeightGrad`."""
    g = op.geometry
    gy = memory.read(op.g, (g.cout, g.oh * g.ow))
    x = memory.read(op.x, (g.cin, g.ih, g.iw)).astype(np.int32) - op.x_zero
    seen = patches(x.astype(np.float32), g).reshape(g.cin, g.kh * g.kw, -1)
    kept = np.array(op.kept)
    if g.groups == 1:
        seen = seen[None, kept]
    else:
        ins, outs = g.cin // g.groups, g.cout // g.groups
        seen = seen.reshape(g.groups, ins, g.kh * g.kw, -1)[kept // outs]
        gy = gy[kept]
    total = np.zeros((gy.shape[0], *seen.shape[1:3]), np.float32)
    for pixel in range(g.oh * g.ow):
        total += gy[:, pixel, None, None] * seen[..., pixel]
    return total.reshape(*total.shape[:2], g.kh, g.kw)


def weight_grad(memory: Memory, op: WeightGrad) -> None:
    """`WeightGrad`."""
    memory[op.y] = weight_gradient(memory, op)


def bias_gradient(memory: Memory, op: BiasGrad) -> Array:
    """Gradients (channels,) of a bias."""
    return arithmetic.sum_in_order(memory.read(op.g, (op.channels, op.pixels)))


def bias_grad(memory: Memory, op: BiasGrad) -> None:
    """`BiasGrad`."""
    memory[op.y] = bias_gradient(memory, op)


def apply(memory: Memory, op: Step, gradient: Array) -> None:
    """Change a param by a gradient (rows, ...), as `Step` says."""
    factors = memory[op.factors]
    rows = np.array(op.rows) if op.rows else np.arange(factors.size)
    flat = gradient.reshape(rows.size, op.row)
    with np.errstate(over="ignore", invalid="ignore"):
        delta = (memory.lr * factors[rows])[:, None] * flat
    index = rows[:, None] * op.row + np.arange(op.row)
    values = memory[op.param].ravel().copy()
    bits = arithmetic.random_bits(memory.seed, memory.step, op.stream, index)
    if op.is_bias:
        values[index] = arithmetic.step_biases(values[index], delta, bits)
    elif op.residual:
        residual = memory[op.residual].ravel().copy()
        moved = arithmetic.step_with_residual(values[index], residual[index], delta)
        values[index], residual[index] = moved
        memory[op.residual] = residual
    else:
        values[index] = arithmetic.step_weights(values[index], delta, bits)
    memory[op.param] = values


def step(memory: Memory, op: Step) -> None:
    """`Step`."""
    apply(memory, op, memory[op.g])


def weight_step(memory: Memory, op: WeightStep) -> None:
    """`WeightStep`."""
    apply(memory, op.step, weight_gradient(memory, op.grad))


def bias_step(memory: Memory, op: BiasStep) -> None:
    """`BiasStep`."""
    apply(memory, op.step, bias_gradient(memory, op.grad))


def accumulate(memory: Memory, op: Accumulate) -> None:
    """`Accumulate`."""
    memory[op.y] = memory[op.a].ravel() + memory[op.b].ravel()


def average_pool_grad(memory: Memory, op: AveragePoolGrad) -> None:
    """`AveragePoolGrad`; taps one by one."""
    g = op.geometry
    gy = memory.read(op.g, (g.cout, g.oh, g.ow))
    share = np.float32(1 / op.divisor)
    gx = np.zeros((g.cin, g.ih, g.iw), np.float32)
    for tap in taps(g):
        gx[:, tap.in_rows, tap.in_columns] += share * gy[:, tap.out_rows, tap.out_columns]
    memory[op.y] = gx


def max_pool_grad(memory: Memory, op: MaxPoolGrad) -> None:
    """`MaxPoolGrad`; taps one by one."""
    g = op.geometry
    gy = memory.read(op.g, (g.cout, g.oh, g.ow))
    index = memory.read(op.index, gy.shape)
    gx = np.zeros((g.cin, g.ih, g.iw), np.float32)
    for tap in taps(g):
        part = (slice(None), tap.out_rows, tap.out_columns)
        chosen = index[part] == tap.ky * g.kw + tap.kx
        gx[:, tap.in_rows, tap.in_columns] += np.where(chosen, gy[part], np.float32(0))
    memory[op.y] = gx


def slice_grad(memory: Memory, op: SliceGrad) -> None:
    """`SliceGrad`."""
    memory[op.y] = memory[op.g].ravel()[op.offset : op.offset + op.count].copy()


def scale_grad(memory: Memory, op: ScaleGrad) -> None:
    """`ScaleGrad`."""
    memory[op.y] = np.float32(op.gain) * memory[op.g].ravel()


def lookup_grad(memory: Memory, op: LookupGrad) -> None:
    """`LookupGrad`."""
    slopes = memory[op.slopes][memory[op.x].astype(np.int64).ravel() + 128]
    memory[op.y] = memory[op.g].ravel() * slopes


def copy_grad(memory: Memory, op: CopyGrad) -> None:
    """`CopyGrad`."""
    made = np.zeros(op.size, np.float32)
    np.add.at(made, places(op), memory[op.g].ravel())
    memory[op.y] = made
