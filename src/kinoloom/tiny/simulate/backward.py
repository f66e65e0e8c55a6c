"""Backward operations and updates in numpy; float32 sums add one term at a time, as in C."""

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
from kinoloom.tiny.simulate.forward import copy_indices
from kinoloom.tiny.simulate.memory import Memory
from kinoloom.tiny.simulate.windows import extract_patches, taps


def run_mask_grad(memory: Memory, op: MaskGrad) -> None:
    """Run `MaskGrad`."""
    mask = memory[op.mask].ravel()
    memory[op.y] = np.where(mask, memory[op.g].ravel(), np.float32(0))


def run_conv_grad_x(memory: Memory, op: ConvGradX) -> None:
    """Run `ConvGradX` for all input channels and groups at once, output channels one by one."""
    g = op.geometry
    outs, ins = g.cout // g.groups, g.cin // g.groups
    weights = memory.join_weights(op.weights, g).astype(np.float32)
    real = (memory[op.scales].reshape(-1, 1, 1, 1) * weights).reshape(
        g.groups, outs, ins, g.kh, g.kw
    )
    gy = memory.view(op.g, (g.groups, outs, g.oh, g.ow))
    shape = (g.groups, ins, g.ih, g.iw)
    gx = memory.view(op.onto, shape).copy() if op.onto else np.zeros(shape, np.float32)
    for co in range(outs):
        for tap in taps(g):
            part = gy[:, co, None, tap.out_rows, tap.out_columns]
            weight = real[:, co, :, tap.ky, tap.kx][:, :, None, None]
            gx[:, :, tap.in_rows, tap.in_columns] += weight * part
    memory[op.y] = gx


def compute_weight_gradient(memory: Memory, op: WeightGrad) -> Array:
    """Return the gradient (rows, columns, kh, kw) of the trained weights; see `WeightGrad`."""
    g = op.geometry
    gy = memory.view(op.g, (g.cout, g.oh * g.ow))
    x = memory.view(op.x, (g.cin, g.ih, g.iw)).astype(np.int32) - op.x_zero
    windows = extract_patches(x.astype(np.float32), g).reshape(g.cin, g.kh * g.kw, -1)
    updated = np.array(op.updated)
    if g.groups == 1:
        windows = windows[None, updated]
    else:
        ins, outs = g.cin // g.groups, g.cout // g.groups
        windows = windows.reshape(g.groups, ins, g.kh * g.kw, -1)[updated // outs]
        gy = gy[updated]
    total = np.zeros((gy.shape[0], *windows.shape[1:3]), np.float32)
    for pixel in range(g.oh * g.ow):
        total += gy[:, pixel, None, None] * windows[..., pixel]
    return total.reshape(*total.shape[:2], g.kh, g.kw)


def run_weight_grad(memory: Memory, op: WeightGrad) -> None:
    """Run `WeightGrad`."""
    memory[op.y] = compute_weight_gradient(memory, op)


def compute_bias_gradient(memory: Memory, op: BiasGrad) -> Array:
    """Return the gradient (channels,) of a bias."""
    return arithmetic.sum_sequentially(memory.view(op.g, (op.channels, op.pixels)))


def run_bias_grad(memory: Memory, op: BiasGrad) -> None:
    """Run `BiasGrad`."""
    memory[op.y] = compute_bias_gradient(memory, op)


def apply_update(memory: Memory, op: Step, gradient: Array) -> None:
    """Update a param by a gradient (rows, ...); see `Step`."""
    factors = memory[op.factors]
    rows = np.array(op.rows) if op.rows else np.arange(factors.size)
    flat = gradient.reshape(rows.size, op.row)
    with np.errstate(over="ignore", invalid="ignore"):
        delta = (memory.lr * factors[rows])[:, None] * flat
    index = rows[:, None] * op.row + np.arange(op.row)
    values = memory[op.param].ravel().copy()
    bits = arithmetic.random_bits(memory.seed, memory.step, op.stream, index)
    if op.is_bias:
        values[index] = arithmetic.update_biases(values[index], delta, bits)
    elif op.residual:
        residual = memory[op.residual].ravel().copy()
        moved = arithmetic.update_with_residual(values[index], residual[index], delta)
        values[index], residual[index] = moved
        memory[op.residual] = residual
    else:
        values[index] = arithmetic.update_weights(values[index], delta, bits)
    memory[op.param] = values


def run_step(memory: Memory, op: Step) -> None:
    """Run `Step`."""
    apply_update(memory, op, memory[op.g])


def run_weight_step(memory: Memory, op: WeightStep) -> None:
    """Run `WeightStep`."""
    apply_update(memory, op.step, compute_weight_gradient(memory, op.grad))


def run_bias_step(memory: Memory, op: BiasStep) -> None:
    """Run `BiasStep`."""
    apply_update(memory, op.step, compute_bias_gradient(memory, op.grad))


def run_accumulate(memory: Memory, op: Accumulate) -> None:
    """Run `Accumulate`."""
    memory[op.y] = memory[op.a].ravel() + memory[op.b].ravel()


def run_average_pool_grad(memory: Memory, op: AveragePoolGrad) -> None:
    """Run `AveragePoolGrad`; taps one by one."""
    g = op.geometry
    gy = memory.view(op.g, (g.cout, g.oh, g.ow))
    share = np.float32(1 / op.divisor)
    gx = np.zeros((g.cin, g.ih, g.iw), np.float32)
    for tap in taps(g):
        gx[:, tap.in_rows, tap.in_columns] += share * gy[:, tap.out_rows, tap.out_columns]
    memory[op.y] = gx


def run_max_pool_grad(memory: Memory, op: MaxPoolGrad) -> None:
    """Run `MaxPoolGrad`; taps one by one."""
    g = op.geometry
    gy = memory.view(op.g, (g.cout, g.oh, g.ow))
    index = memory.view(op.index, gy.shape)
    gx = np.zeros((g.cin, g.ih, g.iw), np.float32)
    for tap in taps(g):
        part = (slice(None), tap.out_rows, tap.out_columns)
        is_maximum = index[part] == tap.ky * g.kw + tap.kx
        gx[:, tap.in_rows, tap.in_columns] += np.where(is_maximum, gy[part], np.float32(0))
    memory[op.y] = gx


def run_slice_grad(memory: Memory, op: SliceGrad) -> None:
    """Run `SliceGrad`."""
    memory[op.y] = memory[op.g].ravel()[op.offset : op.offset + op.count].copy()


def run_scale_grad(memory: Memory, op: ScaleGrad) -> None:
    """Run `ScaleGrad`."""
    memory[op.y] = np.float32(op.gain) * memory[op.g].ravel()


def run_lookup_grad(memory: Memory, op: LookupGrad) -> None:
    """Run `LookupGrad`."""
    slopes = memory[op.slopes][memory[op.x].astype(np.int64).ravel() + 128]
    memory[op.y] = memory[op.g].ravel() * slopes


def run_copy_grad(memory: Memory, op: CopyGrad) -> None:
    """Run `CopyGrad`."""
    gradient = np.zeros(op.size, np.float32)
    np.add.at(gradient, copy_indices(op), memory[op.g].ravel())
    memory[op.y] = gradient
