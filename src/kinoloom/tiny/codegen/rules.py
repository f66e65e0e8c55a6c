"""One rule for each operation: what it declares, which kernel it needs, what it calls."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from kinoloom.tiny import ops_backward as b
from kinoloom.tiny import ops_forward as f
from kinoloom.tiny.codegen.text import array, braces, c_type, call, real, struct, structs, title
from kinoloom.tiny.ir import Geometry, Op, Program, Weights
from kinoloom.tiny.plan import Plan


@dataclass
class Writer:
    """The C of a program as far as it is written.

    Attributes:
        tables: texts of constant arrays and structures, in order, by name.
        used: names of kernels.
        lines: calls, one list for each operation.
    """

    program: Program
    plan: Plan
    tables: dict[str, str] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    lines: list[list[str]] = field(default_factory=list)

    def write(self, op: Op) -> None:
        """Take an operation in."""
        kernel, calls = RULES[type(op)](self, op)
        self.used |= set(kernel.split())
        lines = [calls] if isinstance(calls, str) else calls
        self.lines.append([title(op, self.program), *(call(line) for line in lines)])

    def at(self, name: str) -> str:
        """A pointer to a work tensor; a null pointer for none."""
        if not name:
            return "0"
        tensor = self.program.tensors[name]
        if tensor.role == "param":
            return name
        return f"AT({c_type(tensor.dtype)}, {self.plan.offset(name)})"

    def constant(self, name: str) -> str:
        """The name of a constant or param, declared if it is not yet; a null pointer for none."""
        if not name:
            return "0"
        if name not in self.program.initial:
            self.tables.setdefault(name, array(name, self.program.constants[name]))
        return name

    def channels(self, owner: str, channels: tuple[int, ...] | list[int]) -> str:
        """The name of a table of channels."""
        name = f"{owner}_channels"
        self.tables.setdefault(name, array(name, np.array(channels, np.uint16)))
        return name

    def declare(self, kind: str, name: str, *fields: object) -> str:
        """A pointer to a new constant structure."""
        self.tables.setdefault(name, struct(kind, name, fields))
        return f"&{name}"

    def parts(self, weights: Weights, g: Geometry) -> tuple[str, str]:
        """The initialisers of the frozen and the trained part."""
        ins, none = g.cin // g.groups, braces([0, 0, 0])
        if not weights.trained:
            return braces([self.constant(weights.frozen), 0, ins]), none
        if not weights.frozen:
            return none, braces([weights.trained, 0, ins])
        rest = [c for c in range(ins) if c not in weights.kept]
        frozen = [self.constant(weights.frozen), self.channels(weights.frozen, rest), len(rest)]
        table = self.channels(weights.trained, weights.kept)
        return braces(frozen), braces([weights.trained, table, len(weights.kept)])


def sizes(g: Geometry, *, whole: bool = True) -> str:
    """The initialiser of a geometry; a whole picture whose pixels do not meet is one row."""
    if g.pointwise and whole:
        g = replace(g, ih=1, iw=g.ih * g.iw, oh=1, ow=g.oh * g.ow)
    return braces(
        [g.cin, g.ih, g.iw, g.cout, g.oh, g.ow, g.kh, g.kw, g.sy, g.sx, g.py, g.px, g.dy, g.dx,
         g.groups]
    )  # fmt: skip


Rule = tuple[str, str | list[str]]


def conv(w: Writer, op: f.Conv) -> Rule:
    """`Conv`."""
    table = conv_table(w, op)
    if op.factors:
        return "conv", f"kl_conv_float({table}, {w.at(op.x)}, {w.at(op.y)});"
    return "conv", f"kl_conv_forward({table}, {w.at(op.x)}, {w.at(op.y)}, {w.at(op.mask)});"


def conv_table(w: Writer, op: f.Conv, *, whole: bool = True) -> str:
    """The structure of a forward convolution."""
    frozen, trained = w.parts(op.weights, op.geometry)
    return w.declare(
        "kl_conv", f"{op.y}_conv", sizes(op.geometry, whole=whole), frozen, trained,
        w.constant(op.bias), w.constant(op.multipliers), w.constant(op.shifts),
        w.constant(op.factors), op.x_zero, op.y_zero, op.low, op.high,
    )  # fmt: skip


def stream(w: Writer, op: f.Stream) -> Rule:
    """`Stream`."""
    rings = [*op.rings(), op.convs[-1].geometry.oh]
    name = f"{op.convs[-1].y}_stages"
    stages = [
        [conv_table(w, c, whole=False), w.at(c.mask), ring]
        for c, ring in zip(op.convs, rings, strict=True)
    ]
    w.tables[name] = structs("kl_stage", name, stages)
    scratch = f"AT(int8_t, {w.plan.offset(f'scratch:{w.program.ops.index(op)}')})"
    y = w.at(op.convs[-1].y)
    return "stream", f"kl_stream({name}, {len(stages)}, {w.at(op.x)}, {scratch}, {y});"


def add(w: Writer, op: f.Add) -> Rule:
    """`Add`."""
    count = w.program.tensors[op.y].size
    table = w.declare(
        "kl_add_sizes", f"{op.y}_add", op.a_zero, op.b_zero, op.y_zero, op.a_mult, op.b_mult,
        op.low, op.high, count, op.shift,
    )  # fmt: skip
    call = f"kl_add({table}, {w.at(op.a)}, {w.at(op.b)}, {w.at(op.y)}, {w.at(op.mask)});"
    return "elementwise", call


def rescale(w: Writer, op: f.Rescale) -> Rule:
    """`Rescale`."""
    table = w.declare(
        "kl_scale", f"{op.y}_scale", op.x_zero, op.y_zero, op.multiplier, op.low, op.high,
        op.count, op.shift,
    )  # fmt: skip
    return "elementwise", [
        *_clear(w, op.mask, op.count),
        f"kl_rescale({table}, {w.at(op.x)}, {w.at(op.y)}, {w.at(op.mask)}, 0);",
    ]


def concat(w: Writer, op: f.Concat) -> Rule:
    """`Concat`."""
    calls, offset = _clear(w, op.mask, sum(op.counts)), 0
    parts = zip(op.xs, op.x_zeros, op.multipliers, op.shifts, op.counts, strict=True)
    for i, (x, zero, multiplier, shift, count) in enumerate(parts):
        table = w.declare(
            "kl_scale", f"{op.y}_scale{i}", zero, op.y_zero, multiplier, op.low, op.high, count,
            shift,
        )  # fmt: skip
        calls.append(f"kl_rescale({table}, {w.at(x)}, {w.at(op.y)}, {w.at(op.mask)}, {offset});")
        offset += count
    return "elementwise", calls


def _clear(w: Writer, mask: str, count: int) -> list[str]:
    return [f"kl_clear_mask({w.at(mask)}, {count});"] if mask else []


def average_pool(w: Writer, op: f.AveragePool) -> Rule:
    """`AveragePool`."""
    count = w.program.tensors[op.y].size
    window = w.declare("kl_geometry", f"{op.y}_window", sizes(op.geometry)[1:-1])
    table = w.declare(
        "kl_scale", f"{op.y}_scale", op.x_zero, op.y_zero, op.multiplier, op.low, op.high, count,
        op.shift,
    )  # fmt: skip
    arguments = f"{w.at(op.x)}, {w.at(op.y)}, {w.at(op.mask)}"
    return "pool", f"kl_average_pool({window}, {table}, {arguments});"


def max_pool(w: Writer, op: f.MaxPool) -> Rule:
    """`MaxPool`."""
    window = w.declare("kl_geometry", f"{op.y}_window", sizes(op.geometry)[1:-1])
    return "pool", f"kl_max_pool({window}, {w.at(op.x)}, {w.at(op.y)}, {w.at(op.index)});"


def dequantise(w: Writer, op: f.Dequantise) -> Rule:
    """`Dequantise`."""
    arguments = f"{w.at(op.x)}, {op.zero}, {real(op.scale)}, {op.count}, {w.at(op.y)}"
    return "elementwise", f"kl_dequantise({arguments});"


def softmax_loss(w: Writer, op: f.SoftmaxLoss) -> Rule:
    """`SoftmaxLoss`."""
    arguments = f"{w.at(op.logits)}, {op.count}, label, {w.at(op.gradient)}"
    return "loss", f"found = kl_softmax_loss({arguments});"


def square_loss(w: Writer, op: f.SquareLoss) -> Rule:
    """`SquareLoss`."""
    arguments = f"{w.at(op.outputs)}, {op.count}, label, {w.at(op.gradient)}"
    return "loss", f"found = kl_square_loss({arguments});"


def mask_grad(w: Writer, op: b.MaskGrad) -> Rule:
    """`MaskGrad`."""
    return "grad", f"kl_mask_grad({w.at(op.g)}, {w.at(op.mask)}, 0, {op.count}, {w.at(op.y)});"


def conv_grad_x(w: Writer, op: b.ConvGradX) -> Rule:
    """`ConvGradX`."""
    return "conv_grad_x", f"kl_conv_grad_x({_back_table(w, op)}, {w.at(op.g)}, {w.at(op.y)});"


def _back_table(w: Writer, op: b.ConvGradX) -> str:
    frozen, trained = w.parts(op.weights, op.geometry)
    return w.declare(
        "kl_conv_back", f"{op.layer}_back", sizes(op.geometry), frozen, trained,
        w.constant(op.scales),
    )  # fmt: skip


def _weight_table(w: Writer, op: b.WeightGrad) -> str:
    kept = w.channels(f"{op.layer}_kept", op.kept)
    return w.declare(
        "kl_weight_grad", f"{op.layer}_weights", sizes(op.geometry), kept, len(op.kept), op.x_zero
    )


def _target(w: Writer, op: b.Step) -> str:
    factors = w.constant(op.factors)
    residual = op.residual or "0"
    return w.declare(
        "kl_target", f"{op.param}_target", op.param, residual, factors, f"{op.stream}u"
    )


def _bias_table(w: Writer, op: b.Step, pixels: int) -> str:
    factors = w.constant(op.factors)
    channels = w.program.tensors[op.param].size
    name = f"{op.param}_target"
    return w.declare("kl_bias", name, op.param, factors, channels, pixels, f"{op.stream}u")


def weight_grad(w: Writer, op: b.WeightGrad) -> Rule:
    """`WeightGrad`."""
    arguments = f"{_weight_table(w, op)}, {w.at(op.g)}, {w.at(op.x)}, {w.at(op.y)}"
    return "weights", f"kl_weight_rows({arguments}, 0, &randomness, lr);"


def weight_step(w: Writer, op: b.WeightStep) -> Rule:
    """`WeightStep`."""
    table, target = _weight_table(w, op.grad), _target(w, op.step)
    arguments = f"{table}, {w.at(op.g)}, {w.at(op.x)}, 0, {target}"
    return "weights", f"kl_weight_rows({arguments}, &randomness, lr);"


def bias_grad(w: Writer, op: b.BiasGrad) -> Rule:
    """`BiasGrad`."""
    return "bias", f"kl_bias_grad({w.at(op.g)}, {op.channels}, {op.pixels}, {w.at(op.y)});"


def bias_step(w: Writer, op: b.BiasStep) -> Rule:
    """`BiasStep`."""
    table = _bias_table(w, op.step, op.grad.pixels)
    return "bias", f"kl_bias_step({table}, {w.at(op.g)}, &randomness, lr);"


def step(w: Writer, op: b.Step) -> Rule:
    """`Step`."""
    if op.is_bias:
        return "bias", f"kl_bias_step({_bias_table(w, op, 1)}, {w.at(op.g)}, &randomness, lr);"
    rows = w.program.tensors[op.g].size // op.row
    kept = w.channels(f"{op.layer}_kept", op.rows) if op.rows else "0"
    arguments = f"{_target(w, op)}, {kept}, {rows}, {op.row}, {w.at(op.g)}"
    return "weights", f"kl_weight_step({arguments}, &randomness, lr);"


def grad_stream(w: Writer, op: b.GradStream) -> Rule:
    """`GradStream`; a link is (mask, bias, weights, target, x, back) of a gradient."""
    links: dict[str, list[str]] = {}
    for one in op.ops:
        if isinstance(one, b.MaskGrad):
            links[one.y] = [w.at(one.mask), *["0"] * 5]
            continue
        link = links.setdefault(one.g, ["0"] * 6)  # type: ignore[attr-defined]
        if isinstance(one, b.BiasStep):
            link[1] = _bias_table(w, one.step, one.grad.pixels)
        elif isinstance(one, b.WeightStep):
            link[2:5] = _weight_table(w, one.grad), _target(w, one.step), w.at(one.x)
        elif isinstance(one, b.ConvGradX):
            link[5] = _back_table(w, one)
    name = f"{op.ops[0].layer}_links"  # type: ignore[attr-defined]
    w.tables[name] = structs("kl_link", name, list(links.values()))
    even = w.plan.offset(f"scratch:{w.program.ops.index(op)}")
    odd = f"AT(float, {even + op.buffers()[0]})" if op.buffers()[1] else "0"
    made = w.at(op.ys[0]) if op.ys else "0"
    arguments = f"{name}, {len(links)}, {w.at(op.g)}, AT(float, {even}), {odd}, {made}"
    return "grad_stream", f"kl_grad_stream({arguments}, &randomness, lr);"


def accumulate(w: Writer, op: b.Accumulate) -> Rule:
    """`Accumulate`."""
    return "grad", f"kl_accumulate({w.at(op.a)}, {w.at(op.b)}, {op.count}, {w.at(op.y)});"


def average_pool_grad(w: Writer, op: b.AveragePoolGrad) -> Rule:
    """`AveragePoolGrad`."""
    window = w.declare("kl_geometry", f"{op.y}_window", sizes(op.geometry)[1:-1])
    share = real(1 / op.divisor)
    return "pool", f"kl_average_pool_grad({window}, {share}, {w.at(op.g)}, {w.at(op.y)});"


def max_pool_grad(w: Writer, op: b.MaxPoolGrad) -> Rule:
    """`MaxPoolGrad`."""
    window = w.declare("kl_geometry", f"{op.y}_window", sizes(op.geometry)[1:-1])
    return "pool", f"kl_max_pool_grad({window}, {w.at(op.g)}, {w.at(op.index)}, {w.at(op.y)});"


def slice_grad(w: Writer, op: b.SliceGrad) -> Rule:
    """`SliceGrad`."""
    return "grad", f"kl_copy({w.at(op.g)} + {op.offset}, {op.count}, {w.at(op.y)});"


RULES: dict[type[Op], Callable[[Writer, Any], Rule]] = {
    f.Conv: conv,
    f.Stream: stream,
    f.Add: add,
    f.Rescale: rescale,
    f.Concat: concat,
    f.AveragePool: average_pool,
    f.MaxPool: max_pool,
    f.Dequantise: dequantise,
    f.SoftmaxLoss: softmax_loss,
    f.SquareLoss: square_loss,
    b.MaskGrad: mask_grad,
    b.ConvGradX: conv_grad_x,
    b.WeightGrad: weight_grad,
    b.WeightStep: weight_step,
    b.BiasGrad: bias_grad,
    b.BiasStep: bias_step,
    b.Step: step,
    b.Accumulate: accumulate,
    b.AveragePoolGrad: average_pool_grad,
    b.MaxPoolGrad: max_pool_grad,
    b.SliceGrad: slice_grad,
    b.GradStream: grad_stream,
}
