"""Operations on time series and token sequences in numpy; see `forward` and `backward`."""

from __future__ import annotations

import numpy as np

from kinoloom.tiny import arithmetic
from kinoloom.tiny.arithmetic import GATE_LIMIT, requantise, shift_right_rounded, sum_sequentially
from kinoloom.tiny.ir.forward_ops import Conv
from kinoloom.tiny.ir.program import Array
from kinoloom.tiny.ir.sequence_ops import (
    Gru,
    GruGrad,
    Layout,
    MatMul,
    MatMulGrad,
    Normalise,
    NormaliseGrad,
    Softmax,
    SoftmaxGrad,
)
from kinoloom.tiny.simulate.forward import store_clamped
from kinoloom.tiny.simulate.memory import Memory


def _project(memory: Memory, op: Conv, values: Array) -> Array:
    """Map integers (time, inputs), without zero point, to gate inputs (time, 3 * units)."""
    weights = (
        memory.join_weights(op.weights, op.geometry).reshape(op.geometry.cout, -1).astype(np.int64)
    )
    sums = values @ weights.T + memory[op.bias].astype(np.int64)
    gates = requantise(sums, memory[op.multipliers], memory[op.shifts])
    return np.clip(gates, -GATE_LIMIT, GATE_LIMIT)


def _evaluate_gates(input_gates: Array, state_gates: Array) -> tuple[Array, Array, Array, Array]:
    """Return (reset, update, candidate, state part of the candidate) for (..., 3 * units)."""
    ins, states = np.split(input_gates, 3, axis=-1), np.split(state_gates, 3, axis=-1)
    reset = arithmetic.sigmoid(ins[0] + states[0])
    update = arithmetic.sigmoid(ins[1] + states[1])
    candidate = arithmetic.tanh(ins[2] + shift_right_rounded(reset * states[2], 15))
    return reset, update, candidate, states[2]


def _inputs(memory: Memory, op: Gru) -> Array:
    """Return the contribution of the input to the gates, (time, 3 * units)."""
    g = op.input_gates.geometry
    x = memory.view(op.x, (g.cin, g.iw)).astype(np.int64) - op.input_gates.x_zero
    return _project(memory, op.input_gates, x.T)


def run_gru(memory: Memory, op: Gru) -> None:
    """Run `Gru`."""
    inputs, units = _inputs(memory, op), op.units
    states = np.zeros((len(inputs) + 1, units), np.int64)
    carried = np.zeros(units, np.int64)
    for t, row in enumerate(inputs):
        before = _project(memory, op.state_gates, states[t : t + 1])[0]
        _, update, candidate, _ = _evaluate_gates(row, before)
        carried = candidate + shift_right_rounded(update * (carried - candidate), 15)
        states[t + 1] = np.clip(shift_right_rounded(carried, 8), -127, 127)
    memory[op.y] = states[1:].T.astype(np.int8)


def run_gru_grad(memory: Memory, op: GruGrad) -> None:
    """Run `GruGrad`."""
    forward, one = op.forward, np.float32(1)
    g, units = forward.state_gates.geometry, forward.units
    states = np.zeros((g.ow, units), np.int64)
    states[1:] = memory.view(op.state, (units, g.ow)).T[:-1]
    gates = _evaluate_gates(_inputs(memory, forward), _project(memory, forward.state_gates, states))
    r, u, n = (gate.astype(np.float32) * np.float32(2.0**-15) for gate in gates[:3])
    state_gates = gates[3].astype(np.float32) * np.float32(2.0**-11)
    before = states.astype(np.float32) * np.float32(2.0**-7)
    weights = memory.join_weights(forward.state_gates.weights, g).reshape(g.cout, units)
    real = memory[op.scales][:, None] * weights.astype(np.float32)
    gy = memory.view(op.g, (units, g.ow))
    gradient = np.zeros((2, 3, units, g.ow), np.float32)
    carried = np.zeros(units, np.float32)
    for t in range(g.ow - 1, -1, -1):
        total = gy[:, t] + carried
        new = total * (one - u[t]) * (one - n[t] * n[t])
        reset = new * state_gates[t] * r[t] * (one - r[t])
        update = total * (before[t] - n[t]) * u[t] * (one - u[t])
        gradient[:, 0, :, t], gradient[:, 1, :, t] = reset, update
        gradient[0, 2, :, t], gradient[1, 2, :, t] = new, new * r[t]
        carried = total * u[t]
        terms = real * gradient[1, :, :, t].reshape(-1, 1)
        carried += sum_sequentially(terms.T)
    memory[op.input_gates] = gradient[0].reshape(3 * units, g.ow)
    memory[op.state_gates] = gradient[1].reshape(3 * units, g.ow)


def _gather(values: Array, counts: Layout, layout: Layout) -> Array:
    """Return the elements at offset + strides * indices, as an array of shape `counts`."""
    index = np.full(counts, layout[0], np.int64)
    for axis, (count, stride) in enumerate(zip(counts, layout[1:], strict=True)):
        steps = np.arange(count) * stride
        index += steps.reshape([-1 if a == axis else 1 for a in range(len(counts))])
    return np.asarray(values.ravel()[index])


def run_matmul(memory: Memory, op: MatMul) -> None:
    """Run `MatMul`."""
    a = _gather(memory[op.a], (op.heads, op.m, op.terms), op.a_layout).astype(np.int64) - op.a_zero
    b = _gather(memory[op.b], (op.heads, op.terms, op.n), op.b_layout).astype(np.int64) - op.b_zero
    sums = np.matmul(a, b).swapaxes(1, 2)
    store_clamped(memory, requantise(sums, op.multiplier, op.shift), op)


def run_matmul_grad(memory: Memory, op: MatMulGrad) -> None:
    """Run `MatMulGrad`."""
    g = _gather(memory[op.g], op.counts, op.g_layout)
    x = _gather(memory[op.x], op.counts, op.x_layout).astype(np.int32) - op.zero
    sums = np.float32(op.scale) * sum_sequentially(g * x.astype(np.float32))
    positions = _gather(np.arange(op.size), op.counts[:3], op.y_layout)
    gradient = np.zeros(op.size, np.float32)
    gradient[positions] = sums
    memory[op.y] = gradient


def _rows(values: Array, op: Softmax | SoftmaxGrad) -> Array:
    return values.reshape(op.outer, op.count, op.stride).swapaxes(1, 2)


def run_softmax(memory: Memory, op: Softmax) -> None:
    """Run `Softmax`."""
    x = _rows(memory[op.x].astype(np.int64), op)
    powers = memory[op.powers].astype(np.int64)[x.max(axis=-1, keepdims=True) - x]
    total = powers.sum(axis=-1, keepdims=True)
    parts = np.minimum((powers * 256 + total // 2) // total, 255) - 128
    memory[op.y] = parts.astype(np.int8).swapaxes(1, 2)


def run_softmax_grad(memory: Memory, op: SoftmaxGrad) -> None:
    """Run `SoftmaxGrad`."""
    p = _rows(memory[op.p].astype(np.float32) + np.float32(128), op) * np.float32(2.0**-8)
    g = _rows(memory[op.g], op)
    mean = sum_sequentially(p * g)[..., None]
    memory[op.y] = np.ascontiguousarray((np.float32(op.gain) * (p * (g - mean))).swapaxes(1, 2))


def _normal(memory: Memory, op: Normalise | NormaliseGrad) -> tuple[Array, Array]:
    """Return (normalised values (count, tokens), roots (tokens,)) in float32."""
    x = memory.view(op.x, (op.count, op.tokens)).astype(np.int64)
    total, squares = x.sum(axis=0), (x * x).sum(axis=0)
    spread = (op.count * squares - total * total).astype(np.float32)
    roots = arithmetic.sqrt(spread + np.float32(op.floor))
    return (op.count * x - total).astype(np.float32) / roots, roots


def run_normalise(memory: Memory, op: Normalise) -> None:
    """Run `Normalise`."""
    steps = _normal(memory, op)[0] * np.float32(op.step)
    store_clamped(memory, arithmetic.round_half_away(steps, np.float32(1024)), op)


def run_normalise_grad(memory: Memory, op: NormaliseGrad) -> None:
    """Run `NormaliseGrad`."""
    normal, roots = _normal(memory, op)
    g, count = memory.view(op.g, normal.shape), np.float32(op.count)
    mean = sum_sequentially(g.T) / count
    along = sum_sequentially((g * normal).T) / count
    memory[op.y] = np.float32(op.gain) / roots * (g - mean - normal * along)
