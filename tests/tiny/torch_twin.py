"""An inference program in torch: the same quantised values, gradients straight through rounding.

Written from the definition of the operations, in float64, without the package's arithmetic. Weights
and biases are leaves in real values, so torch's autograd gives dL/d(real weight).
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as f

from kinoloom.tiny import ops_forward as ops
from kinoloom.tiny.ir import Array, Geometry, Program


def rounded(x: Tensor) -> Tensor:
    """Halves away from zero; the gradient passes."""
    near = torch.sign(x) * torch.floor(torch.abs(x) + 0.5)
    return x + (near - x).detach()


def to_int8(real: Tensor, program: Program, op: ops.Conv | ops.Add) -> Tensor:
    """Real values as the int8 values of a result, in real units: rounded and clamped."""
    quant = program.quant(op.y)
    ints = rounded(real / quant.scale)
    low, high = op.low - quant.zero, op.high - quant.zero
    return quant.scale * torch.clamp(ints, low, high)


class Twin:
    """A program whose `leaves` (real weights `<layer>.w`, biases `<layer>.b`) torch can derive."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.leaves: dict[str, Tensor] = {}
        for op in program.ops:
            if isinstance(op, ops.Conv):
                scales = torch.from_numpy(program.constants[f"{op.layer}_scales"]).double()
                x_scale = program.quant(op.x).scale
                weight = torch.from_numpy(program.constants[op.weights.frozen]).double()
                bias = torch.from_numpy(program.constants[op.bias]).double()
                self.leaves[f"{op.layer}.w"] = weight * scales[:, None, None, None]
                self.leaves[f"{op.layer}.b"] = bias * scales * x_scale
        for leaf in self.leaves.values():
            leaf.requires_grad_(True)

    def forward(self, x: Array) -> Tensor:
        """The real output for an int8 input."""
        quant = self.program.quant(self.program.input)
        values = {self.program.input: torch.from_numpy(x.astype(np.float64) - quant.zero)}
        values[self.program.input] = values[self.program.input] * quant.scale
        for op in self.program.ops:
            values[op.writes()[0]] = self._run(op, values)
        return values[self.program.output]

    def _run(self, op: ops.Op, values: dict[str, Tensor]) -> Tensor:
        if isinstance(op, ops.Conv):
            real = self._conv(op, values[op.x])
            return real if op.factors else to_int8(real, self.program, op)
        if isinstance(op, ops.Add):
            return to_int8(values[op.a] + values[op.b], self.program, op)
        if isinstance(op, ops.Rescale):
            return to_int8(values[op.x], self.program, op)
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
        assert isinstance(op, ops.Dequantise)
        return values[op.x]

    def _conv(self, op: ops.Conv, x: Tensor) -> Tensor:
        g = op.geometry
        padded = f.pad(x.reshape(g.cin, g.ih, g.iw), padding(g))[None]
        weight, bias = self.leaves[f"{op.layer}.w"], self.leaves[f"{op.layer}.b"]
        made = f.conv2d(padded, weight, bias, (g.sy, g.sx), 0, (g.dy, g.dx), g.groups)
        return made[0, :, : g.oh, : g.ow]


def padding(g: Geometry) -> tuple[int, int, int, int]:
    """(left, right, top, bottom) zeros of a window."""
    bottom = max(0, (g.oh - 1) * g.sy + (g.kh - 1) * g.dy + 1 - g.ih - g.py)
    right = max(0, (g.ow - 1) * g.sx + (g.kw - 1) * g.dx + 1 - g.iw - g.px)
    return g.px, right, g.py, bottom
