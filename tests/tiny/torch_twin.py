"""A reference implementation of inference programs in torch, with straight-through gradients.

It implements the definitions of the operations in float64, without the arithmetic of the package.
Weights and biases are leaves in real values, so torch's autograd gives dL/d(real weight).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as f

from kinoloom.tiny.ir import forward_ops as ops
from kinoloom.tiny.ir import sequence_ops as sequence
from kinoloom.tiny.ir.backward_ops import BiasGrad, WeightGrad
from kinoloom.tiny.ir.program import Array, Geometry, Program
from kinoloom.tiny.simulate.simulator import Simulator
from kinoloom.tiny.training.scheme import collect_convs


def assert_gradients(device: Simulator, twin: Twin, rtol: float, atol: float) -> None:
    """Compare all gradients of the last step; `atol` is relative to the largest gradient."""
    seen = set()
    for op in device.program.ops:
        if isinstance(op, WeightGrad | BiasGrad):
            leaf = f"{op.layer}.{'w' if isinstance(op, WeightGrad) else 'b'}"
            scale = twin.program.quant(op.x).scale if isinstance(op, WeightGrad) else 1.0
            want = twin.leaves[leaf].grad
            assert want is not None
            size = float(want.abs().max())
            assert size > 0
            got = device.memory[op.y] * scale
            close = atol * size
            np.testing.assert_allclose(got, want.reshape(got.shape), rtol=rtol, atol=close)
            seen.add(leaf)
    assert seen == set(twin.leaves)


def rounded(x: Tensor) -> Tensor:
    """Round half away from zero, with a straight-through gradient."""
    near = torch.sign(x) * torch.floor(torch.abs(x) + 0.5)
    return x + (near - x).detach()


def to_int8(real: Tensor, program: Program, op: Any) -> Tensor:
    """Round and clamp real values to the int8 grid of an operation's result."""
    quant = program.quant(op.y)
    ints = rounded(real / quant.scale)
    low, high = op.low - quant.zero, op.high - quant.zero
    return quant.scale * torch.clamp(ints, low, high)


class Twin:
    """A program in torch; its `leaves` are real weights `<layer>.w` and biases `<layer>.b`."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.leaves: dict[str, Tensor] = {}
        for op in collect_convs(program):
            scales = torch.from_numpy(program.constants[f"{op.layer}_scales"]).double()
            x_scale = program.quant(op.x).scale
            weight = torch.from_numpy(program.constants[op.weights.frozen]).double()
            bias = torch.from_numpy(program.constants[op.bias]).double()
            self.leaves[f"{op.layer}.w"] = weight * scales[:, None, None, None]
            self.leaves[f"{op.layer}.b"] = bias * scales * x_scale
        for leaf in self.leaves.values():
            leaf.requires_grad_(True)

    def forward(self, x: Array) -> Tensor:
        """Return the real output for an int8 input."""
        quant = self.program.quant(self.program.input)
        values = {self.program.input: torch.from_numpy(x.astype(np.float64) - quant.zero)}
        values[self.program.input] = values[self.program.input] * quant.scale
        for tensor in self.program.tensors.values():
            if tensor.role == "constant" and tensor.quant is not None:
                ints = self.program.constants[tensor.name].astype(np.float64) - tensor.quant.zero
                values[tensor.name] = torch.from_numpy(ints) * tensor.quant.scale
        for op in self.program.ops:
            values[op.outputs()[0]] = self._run(op, values)
        return values[self.program.output]

    def _run(self, op: ops.Op, values: dict[str, Tensor]) -> Tensor:
        if isinstance(op, ops.Conv):
            real = self._conv(op, values[op.x])
            return real if op.factors else to_int8(real, self.program, op)
        if isinstance(op, ops.Add):
            return to_int8(
                values[op.a] + values[op.b].reshape(values[op.a].shape), self.program, op
            )
        if isinstance(op, ops.Rescale):
            quant = self.program.quant(op.y)
            term = quant.scale * (op.y_zero - quant.zero)
            return to_int8(op.gain * values[op.x] + term, self.program, op)
        if isinstance(op, ops.Concat):
            parts = torch.cat([values[x].reshape(-1) for x in op.xs])
            return to_int8(parts, self.program, op).reshape(self.program.tensors[op.y].shape)
        if isinstance(op, ops.AveragePool):
            g = op.geometry
            padded = f.pad(values[op.x].reshape(g.cin, g.ih, g.iw), padding(g))
            mean = f.avg_pool2d(padded[None], (g.kh, g.kw), (g.sy, g.sx))[0]
            return to_int8(mean, self.program, op)
        if isinstance(op, ops.MaxPool):
            g = op.geometry
            x = values[op.x].reshape(1, g.cin, g.ih, g.iw)
            return f.max_pool2d(x, (g.kh, g.kw), (g.sy, g.sx), (g.py, g.px), (g.dy, g.dx))[0]
        if isinstance(op, ops.Dequantise):
            return values[op.x]
        shape = self.program.tensors[op.outputs()[0]].shape
        return MORE[type(op)](self, op, values).reshape(shape)

    def _conv(self, op: ops.Conv, x: Tensor) -> Tensor:
        g = op.geometry
        padded = f.pad(x.reshape(g.cin, g.ih, g.iw), padding(g))[None]
        weight, bias = self.leaves[f"{op.layer}.w"], self.leaves[f"{op.layer}.b"]
        result = f.conv2d(padded, weight, bias, (g.sy, g.sx), 0, (g.dy, g.dx), g.groups)
        return result[0, :, : g.oh, : g.ow]


def padding(g: Geometry) -> tuple[int, int, int, int]:
    """Return the zero padding (left, right, top, bottom) of a geometry."""
    bottom = max(0, (g.oh - 1) * g.sy + (g.kh - 1) * g.dy + 1 - g.ih - g.py)
    right = max(0, (g.ow - 1) * g.sx + (g.kw - 1) * g.dx + 1 - g.iw - g.px)
    return g.px, right, g.py, bottom


Values = dict[str, Tensor]


def lookup(twin: Twin, op: ops.Lookup, values: Values) -> Tensor:
    """Look up the table, with the gradient from the table of derivatives."""
    x = values[op.x]
    quant, result = twin.program.quant(op.x), twin.program.quant(op.y)
    at = torch.round(x.detach() / quant.scale).long() + quant.zero + 128
    table = torch.from_numpy(twin.program.constants[op.table].astype(np.float64))
    slopes = torch.from_numpy(twin.program.constants[op.slopes].astype(np.float64))
    through = slopes[at] * x
    return through + ((table[at] - result.zero) * result.scale - through).detach()


def strided(x: Tensor, counts: Sequence[int], strides: Sequence[int], start: int) -> Tensor:
    """Return the elements at start + strides * indices."""
    index = torch.tensor(start)
    for count, stride in zip(counts, strides, strict=True):
        index = index[..., None] + torch.arange(count) * stride
    return x.reshape(-1)[index]


def copy(_: Twin, op: ops.Copy, values: Values) -> Tensor:
    """Copy elements at strides."""
    return strided(values[op.x], op.counts, op.strides, op.start)


def gru(twin: Twin, op: sequence.Gru, values: Values) -> Tensor:
    """Evaluate the equations of torch.nn.GRU with the state rounded to 1/128."""
    w_in, b_in, w_state, b_state = (
        twin.leaves[f"{conv.layer}.{leaf}"].squeeze()
        for conv in (op.input_gates, op.state_gates)
        for leaf in "wb"
    )
    states, carried, seen = [], torch.zeros(op.units).double(), torch.zeros(op.units).double()
    for x in values[op.x].reshape(op.input_gates.geometry.cin, -1).T:
        ins, back = (w_in @ x + b_in).chunk(3), (w_state @ seen + b_state).chunk(3)
        reset, update = torch.sigmoid(ins[0] + back[0]), torch.sigmoid(ins[1] + back[1])
        new = torch.tanh(ins[2] + reset * back[2])
        carried = new + update * (carried - new)
        seen = torch.clamp(rounded(carried * 128), -127, 127) / 128
        states.append(seen)
    return torch.stack(states, 1)


def matmul(twin: Twin, op: sequence.MatMul, values: Values) -> Tensor:
    """Multiply strided factors and transpose the result."""
    places = ((op.a, op.m, op.terms, op.a_layout), (op.b, op.terms, op.n, op.b_layout))
    a, b = (
        strided(values[x], (op.heads, rows, columns), at[1:], at[0])
        for x, rows, columns, at in places
    )
    return to_int8((a @ b).transpose(1, 2), twin.program, op)


def softmax(twin: Twin, op: sequence.Softmax, values: Values) -> Tensor:
    """Round a softmax to units of 1/256, at most 255/256."""
    rows = op.gain * values[op.x].reshape(op.outer, op.count, op.stride)
    return torch.clamp(rounded(torch.softmax(rows, 1) * 256), 0, 255) / 256


def normalise(twin: Twin, op: sequence.Normalise, values: Values) -> Tensor:
    """Normalise over the features."""
    x = values[op.x].reshape(op.count, op.tokens)
    eps = op.floor / op.gain**2
    normal = f.layer_norm(x.T, (op.count,), eps=eps).T
    return to_int8(normal, twin.program, op)


MORE: dict[type[ops.Op], Callable[[Twin, Any, Values], Tensor]] = {
    ops.Lookup: lookup,
    ops.Copy: copy,
    sequence.Gru: gru,
    sequence.MatMul: matmul,
    sequence.Softmax: softmax,
    sequence.Normalise: normalise,
}
