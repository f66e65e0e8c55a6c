"""From an inference program and a scheme to a training step, at compile time.

Only what the chosen updates need is made: gradients stop at the first trained layer, masks and
indices are kept only where gradients pass, inputs only of layers whose weights are trained.

Gradients are those of real values, straight through all rounding, and zero where a clamp was at
work. In quantised units the gradient of a weight is s_w times that of its real value, and the
weight itself is 1/s_w times as large: plain steps are s_w**2 too small. Quantisation-aware scaling
divides by s_w**2, and for biases by (s_w s_x)**2; here it is one factor by channel, folded with
s_x: s_x / s_w for weights, 1 / (s_w s_x) for biases. Source: Lin et al., "On-Device Training Under
256KB Memory", NeurIPS 2022, section 2.2.

The result is in the order of a framework: all gradients as tensors first, then all updates.
`schedule.reorder` makes of it what fits a small memory.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np

from kinoloom.errors import UsageError
from kinoloom.tiny.ir import backward_ops as b
from kinoloom.tiny.ir import forward_ops as f
from kinoloom.tiny.ir import sequence_ops as s
from kinoloom.tiny.ir.program import Array, DType, Op, Program, Shape, Tensor, Weights, pruned
from kinoloom.tiny.training.scheme import Scheme, Update, check_scheme, convs_in, kept_channels

Loss = Literal["cross-entropy", "square"]


@dataclass(frozen=True)
class TrainingOptions:
    """How a training step is made.

    Attributes:
        loss: softmax cross-entropy of a class, or the mean squared error of a target.
        scaling: whether gradients are scaled for quantised weights (QAS); without it training
            hardly moves, which is what the option shows.
        rounding: of updates; a residual takes two bytes more for each trained weight.
    """

    loss: Loss = "cross-entropy"
    scaling: bool = True
    rounding: Literal["stochastic", "residual"] = "stochastic"


def training_program(program: Program, scheme: Scheme, options: TrainingOptions) -> Program:
    """The training step of an inference program.

    Raises:
        UsageError: the scheme does not fit the program, or the program trains already.
    """
    if program.label:
        raise UsageError(f"{program.name} is a training step already.")
    check_scheme(program, scheme)
    return pruned(_Autodiff(program, scheme, options).run())


def _joint(*convs: f.Conv) -> tuple[str, ...]:
    return tuple(name for conv in convs for name in conv.params)


@dataclass
class _Autodiff:
    program: Program
    scheme: Scheme
    options: TrainingOptions
    needing: set[str] = field(default_factory=set)
    grads: dict[str, str] = field(default_factory=dict)
    back: list[Op] = field(default_factory=list)
    steps: list[Op] = field(default_factory=list)
    initial: dict[str, Array] = field(default_factory=dict)
    streams: int = 0

    def run(self) -> Program:
        program = self.program
        self.tensors = dict(program.tensors)
        self.constants = dict(program.constants)
        forward = [self._forward(op) for op in program.ops]
        self._loss(forward)
        for op in reversed(forward[: program.inference]):
            gradient = self.grads.get(op.writes()[0])
            if gradient is not None and op.writes()[0] in self.needing:
                self._backward(op, gradient)
        return replace(
            program,
            tensors=self.tensors,
            constants=self.constants,
            initial=self.initial,
            ops=(*forward, *self.back, *self.steps),
            label="label",
            loss="loss",
            rounding=self.options.rounding,
        )

    # forward

    def _forward(self, op: Op) -> Op:
        """The operation as training needs it: with trained parts, and a mask or index."""
        updates = [self._update(conv) for conv in convs_in(op)]
        trains = any(update.bias or update.ratio > 0 for update in updates)
        result = op.writes()[0]
        if trains or any(name in self.needing for name in op.reads()):
            self.needing.add(result)
        else:
            return op
        if isinstance(op, f.Conv):
            op = self._trained(op)
        if isinstance(op, s.Gru):
            maps = self._trained(op.of_input), self._trained(op.of_state)
            return replace(op, of_input=maps[0], of_state=maps[1], params=_joint(*maps))
        if isinstance(op, f.MaxPool):
            index = self._tensor(f"{result}_index", self.tensors[result].shape, "uint8")
            return replace(op, index=index)
        if hasattr(op, "mask") and self.tensors[result].dtype == "int8":
            mask = self._tensor(f"{result}_mask", self.tensors[result].shape, "bits")
            return replace(op, mask=mask)  # type: ignore[call-arg]
        return op

    def _update(self, conv: f.Conv) -> Update:
        return self.scheme.get(conv.layer, Update(False))

    def _trained(self, op: f.Conv) -> f.Conv:
        update, params = self._update(op), []
        if update.ratio:
            op = replace(op, weights=self._split(op, update.ratio))
            params.append(op.weights.trained)
        if update.bias:
            bias = self._param(f"{op.layer}_b", self.constants[op.bias])
            op = replace(op, bias=bias)
            params.append(bias)
        return replace(op, params=tuple(params))

    def _split(self, op: f.Conv, ratio: float) -> Weights:
        kept = kept_channels(self.program, op, ratio)
        whole = self.constants[op.weights.frozen]
        chosen = np.isin(np.arange(whole.shape[1]), kept)
        dense = op.geometry.groups == 1
        part = whole[:, chosen] if dense and not chosen.all() else whole
        name = self._param(f"{op.layer}_w", part)
        if self.options.rounding == "residual":
            self._param(f"{op.layer}_r", np.zeros(part.shape, np.int16))
        frozen = ""
        if part is not whole:
            frozen = f"{op.layer}_rest"
            self.constants[frozen] = whole[:, ~chosen]
        return Weights(frozen, name, kept)

    def _loss(self, forward: list[Op]) -> None:
        output = self.tensors[self.program.output]
        gradient = self._gradient_tensor(output.name)
        self.grads[output.name] = gradient
        self.tensors["loss"] = Tensor("loss", (1,), "float32", "caller")
        words = (output.name, "label", "loss", gradient)
        if self.options.loss == "cross-entropy":
            self.tensors["label"] = Tensor("label", (1,), "int32", "caller")
            forward.append(f.SoftmaxLoss(output.size, *words))
        else:
            self.tensors["label"] = Tensor("label", output.shape, "float32", "caller")
            forward.append(f.SquareLoss(output.size, *words))

    # backward

    def _backward(self, op: Op, gradient: str) -> None:
        mask = getattr(op, "mask", "")
        if mask:
            name = f"{gradient}_in"
            self._tensor(name, self.tensors[gradient].shape, "float32")
            self.back.append(b.MaskGrad(self.tensors[name].size, gradient, mask, name))
            gradient = name
        rules: dict[type[Op], Callable[[Any, str], None]] = {
            f.Conv: self._conv,
            f.Add: self._add,
            f.Rescale: self._rescale,
            f.Dequantise: self._same,
            f.Concat: self._concat,
            f.AveragePool: self._average_pool,
            f.MaxPool: self._max_pool,
            f.Lookup: self._lookup,
            f.Copy: self._copy,
            s.Gru: self._gru,
            s.MatMul: self._matmul,
            s.Softmax: self._softmax,
            s.Normalise: self._normalise,
        }
        rules[type(op)](op, gradient)

    def _conv(self, op: f.Conv, gradient: str) -> None:
        self._bias(op, gradient)
        self._conv_input(op, gradient)
        self._weights(op, gradient)

    def _conv_input(self, op: f.Conv, gradient: str) -> None:
        if op.x in self.needing:
            scales = f"{op.layer}_scales"
            params = (op.weights.trained,) if op.weights.trained else ()
            known = self.grads.pop(op.x, "")
            onto = known if known != gradient else ""
            target = self._target(op.x)
            self.back.append(
                b.ConvGradX(
                    op.layer, op.geometry, op.weights, scales, gradient, params, onto, target
                )
            )
            if known and not onto:
                self._arrived(op.x, known)
            self._arrived(op.x, target)

    def _weights(self, op: f.Conv, gradient: str) -> None:
        if not self._update(op).ratio:
            return
        g, kept = op.geometry, op.weights.kept
        ins = g.cin // g.groups
        rows_columns = (g.cout, len(kept)) if g.groups == 1 else (len(kept), ins)
        shape = (*rows_columns, g.kh, g.kw)
        name = self._tensor(f"{op.layer}_dw", shape, "float32")
        self.back.append(b.WeightGrad(op.layer, g, kept, op.x_zero, gradient, op.x, name))
        scales, x_scale = self._scales(op)
        factors = x_scale / scales if self.options.scaling else x_scale * scales
        residual = f"{op.layer}_r" if self.options.rounding == "residual" else ""
        rows = () if g.groups == 1 else kept
        row = int(np.prod(shape[1:]))
        self._step(op.layer, op.weights.trained, residual, factors, rows, row, name, bias=False)

    def _bias(self, op: f.Conv, gradient: str) -> None:
        if not self._update(op).bias:
            return
        g = op.geometry
        name = self._tensor(f"{op.layer}_db", (g.cout,), "float32")
        self.back.append(b.BiasGrad(op.layer, g.cout, g.oh * g.ow, gradient, name))
        scales, x_scale = self._scales(op)
        unit = x_scale * scales
        factors = 1 / unit if self.options.scaling else unit
        self._step(op.layer, op.bias, "", factors, (), 1, name, bias=True)

    def _scales(self, op: f.Conv) -> tuple[Array, float]:
        scales = self.constants[f"{op.layer}_scales"].astype(np.float64)
        return scales, self.program.quant(op.x).scale

    def _step(
        self, layer: str, param: str, residual: str, factors: Array, rows: tuple[int, ...],
        row: int, gradient: str, *, bias: bool,
    ) -> None:  # fmt: skip
        name = f"{param}_rates"
        self.constants[name] = factors.astype(np.float32)
        self.streams += 1
        self.steps.append(
            b.Step(layer, param, residual, name, rows, row, self.streams, bias, gradient)
        )

    def _add(self, op: f.Add, gradient: str) -> None:
        for term in (op.a, op.b):
            if term in self.needing:
                self._arrived(term, gradient)

    def _same(self, op: f.Dequantise, gradient: str) -> None:
        self._arrived(op.x, gradient)

    def _rescale(self, op: f.Rescale, gradient: str) -> None:
        if op.gain != 1:
            target = self._target(op.x)
            self.back.append(b.ScaleGrad(op.count, op.gain, gradient, target))
            gradient = target
        self._arrived(op.x, gradient)

    def _lookup(self, op: f.Lookup, gradient: str) -> None:
        target = self._target(op.x)
        self.back.append(b.LookupGrad(op.slopes, op.count, gradient, op.x, target))
        self._arrived(op.x, target)

    def _copy(self, op: f.Copy, gradient: str) -> None:
        target, size = self._target(op.x), self.tensors[op.x].size
        self.back.append(b.CopyGrad(op.counts, op.strides, op.start, size, gradient, target))
        self._arrived(op.x, target)

    def _gru(self, op: s.Gru, gradient: str) -> None:
        shape = (3 * op.units, *self.tensors[gradient].shape[1:])
        maps = op.of_input, op.of_state
        grads = [self._tensor(f"{gradient}_{part}", shape, "float32") for part in ("in", "state")]
        scales = f"{op.of_state.layer}_scales"
        self.back.append(s.GruGrad(op, scales, gradient, op.x, op.y, op.params, *grads))
        for conv, arrived in zip(maps, grads, strict=True):
            self._bias(conv, arrived)
        self._conv_input(op.of_input, grads[0])
        for conv, arrived in zip(maps, grads, strict=True):
            self._weights(conv, arrived)

    def _matmul(self, op: s.MatMul, gradient: str) -> None:
        """The gradient by the smaller factor first: that by the larger may take g's place."""
        heads, m, n, terms = op.heads, op.m, op.n, op.terms
        (a_at, a_h, a_i, a_k), (b_at, b_h, b_k, b_j) = op.a_places, op.b_places
        by_a = (
            op.a, op.b, (heads, m, terms, n), (0, m * n, 1, 0, m), (b_at, b_h, 0, b_k, b_j),
            (a_at, a_h, a_i, a_k),
        )  # fmt: skip
        by_b = (
            op.b, op.a, (heads, terms, n, m), (0, m * n, 0, m, 1), (a_at, a_h, a_k, 0, a_i),
            (b_at, b_h, b_k, b_j),
        )  # fmt: skip
        for way in sorted((by_a, by_b), key=lambda way: self.tensors[way[0]].size):
            if way[0] in self.needing:
                self._factor(*way, gradient)

    def _factor(
        self, one: str, other: str, counts: s.Places, g_places: s.Places, x_places: s.Places,
        y_places: s.Places, gradient: str,
    ) -> None:  # fmt: skip
        target, quant = self._target(one), self.program.quant(other)
        self.back.append(
            s.MatMulGrad(
                counts, g_places, x_places, y_places, self.tensors[one].size, quant.zero,
                float(np.float32(quant.scale)), gradient, other, target,
            )
        )  # fmt: skip
        self._arrived(one, target)

    def _softmax(self, op: s.Softmax, gradient: str) -> None:
        target = self._target(op.x)
        self.back.append(
            s.SoftmaxGrad(op.outer, op.count, op.stride, op.gain, gradient, op.y, target)
        )
        self._arrived(op.x, target)

    def _normalise(self, op: s.Normalise, gradient: str) -> None:
        target = self._target(op.x)
        sizes = op.count, op.tokens, op.floor, op.gain
        self.back.append(s.NormaliseGrad(*sizes, gradient, op.x, target))
        self._arrived(op.x, target)

    def _concat(self, op: f.Concat, gradient: str) -> None:
        offset = 0
        for x, count in zip(op.xs, op.counts, strict=True):
            if x in self.needing:
                target = self._target(x)
                self.back.append(b.SliceGrad(offset, count, gradient, target))
                self._arrived(x, target)
            offset += count

    def _average_pool(self, op: f.AveragePool, gradient: str) -> None:
        target = self._target(op.x)
        self.back.append(b.AveragePoolGrad(op.geometry, op.divisor, gradient, target))
        self._arrived(op.x, target)

    def _max_pool(self, op: f.MaxPool, gradient: str) -> None:
        target = self._target(op.x)
        self.back.append(b.MaxPoolGrad(op.geometry, gradient, op.index, target))
        self._arrived(op.x, target)

    # tensors

    def _target(self, name: str) -> str:
        """A new tensor for a gradient by `name`."""
        return self._gradient_tensor(name)

    def _arrived(self, name: str, gradient: str) -> None:
        """A gradient by `name` is known; add it to what there is."""
        if name not in self.needing:
            return
        if name not in self.grads:
            self.grads[name] = gradient
            return
        total = self._gradient_tensor(name)
        size = self.tensors[name].size
        self.back.append(b.Accumulate(size, self.grads[name], gradient, total))
        self.grads[name] = total

    def _gradient_tensor(self, name: str) -> str:
        taken = sum(other.startswith(f"d_{name}__") for other in self.tensors)
        return self._tensor(f"d_{name}__{taken}", self.tensors[name].shape, "float32")

    def _tensor(self, name: str, shape: Shape, dtype: DType) -> str:
        self.tensors[name] = Tensor(name, shape, dtype)
        return name

    def _param(self, name: str, values: Array) -> str:
        kinds: dict[str, DType] = {"int8": "int8", "int16": "int16", "int32": "int32"}
        dtype = kinds[str(values.dtype)]
        self.tensors[name] = Tensor(name, values.shape, dtype, "param")
        self.initial[name] = np.ascontiguousarray(values)
        return name
