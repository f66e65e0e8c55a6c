"""Compile-time autodiff: from an inference program and a scheme to a training step.

Only the gradients that the trained layers need are computed: the backward pass ends at the first
trained layer, masks and indices are stored only where gradients pass, and activations only for
layers with trained weights.

Gradients are those of the real values, with straight-through estimates for rounding, and zero where
a clamp was active. In quantised units the gradient of a weight is s_w times that of its real value
and the weight is 1/s_w times as large, so plain SGD steps are too small by s_w**2.
Quantisation-aware scaling (QAS) divides by s_w**2, for biases by (s_w s_x)**2. Here it is one
factor per channel, combined with s_x: s_x / s_w for weights, 1 / (s_w s_x) for biases. Source: Lin
et al., "On-Device Training Under 256KB Memory", NeurIPS 2022, section 2.2.

The result has the order of a framework: all gradients as tensors first, then all updates.
`planning.schedule.schedule_updates` reduces its memory.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from kinoloom.errors import UsageError
from kinoloom.tiny.ir import backward_ops as b
from kinoloom.tiny.ir import forward_ops as f
from kinoloom.tiny.ir import sequence_ops as s
from kinoloom.tiny.ir.program import (
    Array,
    DType,
    Op,
    Program,
    Shape,
    Tensor,
    Weights,
    prune_constants,
)
from kinoloom.tiny.training.options import TrainingOptions
from kinoloom.tiny.training.scheme import (
    Scheme,
    Update,
    check_scheme,
    expand_convs,
    select_channels,
)


def build_training_program(program: Program, scheme: Scheme, options: TrainingOptions) -> Program:
    """Build the training step of an inference program.

    Args:
        program: the inference program.
        scheme: the updates by layer name.
        options: loss, scaling and rounding.

    Raises:
        UsageError: The scheme does not fit the program, or the program is a training step.
    """
    if program.label:
        raise UsageError(
            f"{program.name} is a training step already.", hint="Pass its inference program."
        )
    check_scheme(program, scheme)
    return prune_constants(_Autodiff(program, scheme, options).run())


def _join_params(*convs: f.Conv) -> tuple[str, ...]:
    return tuple(name for conv in convs for name in conv.params)


@dataclass
class _Autodiff:
    """One differentiation: the gradients, operations and tensors that exist so far."""

    program: Program
    scheme: Scheme
    options: TrainingOptions
    needs_grad: set[str] = field(default_factory=set)
    grads: dict[str, str] = field(default_factory=dict)
    backward_ops: list[Op] = field(default_factory=list)
    update_ops: list[Op] = field(default_factory=list)
    initial: dict[str, Array] = field(default_factory=dict)
    random_streams: int = 0

    def run(self) -> Program:
        program = self.program
        self.tensors = dict(program.tensors)
        self.constants = dict(program.constants)
        forward = [self._forward(op) for op in program.ops]
        self._loss(forward)
        for op in reversed(forward[: program.inference]):
            gradient = self.grads.get(op.outputs()[0])
            if gradient is not None and op.outputs()[0] in self.needs_grad:
                self._backward(op, gradient)
        return replace(
            program,
            tensors=self.tensors,
            constants=self.constants,
            initial=self.initial,
            ops=(*forward, *self.backward_ops, *self.update_ops),
            label="label",
            loss="loss",
            rounding=self.options.rounding,
        )

    def _forward(self, op: Op) -> Op:
        """Return the operation with its trained params and the mask or index of training."""
        updates = [self._update(conv) for conv in expand_convs(op)]
        trains = any(update.bias or update.ratio > 0 for update in updates)
        result = op.outputs()[0]
        if trains or any(name in self.needs_grad for name in op.inputs()):
            self.needs_grad.add(result)
        else:
            return op
        if isinstance(op, f.Conv):
            op = self._with_params(op)
        if isinstance(op, s.Gru):
            maps = self._with_params(op.input_gates), self._with_params(op.state_gates)
            return replace(op, input_gates=maps[0], state_gates=maps[1], params=_join_params(*maps))
        if isinstance(op, f.MaxPool):
            index = self._tensor(f"{result}_index", self.tensors[result].shape, "uint8")
            return replace(op, index=index)
        if hasattr(op, "mask") and self.tensors[result].dtype == "int8":
            mask = self._tensor(f"{result}_mask", self.tensors[result].shape, "bits")
            return replace(op, mask=mask)  # type: ignore[call-arg]
        return op

    def _update(self, conv: f.Conv) -> Update:
        return self.scheme.get(conv.layer, Update(False))

    def _with_params(self, op: f.Conv) -> f.Conv:
        update, params = self._update(op), []
        if update.ratio:
            op = replace(op, weights=self._split_weights(op, update.ratio))
            params.append(op.weights.trained)
        if update.bias:
            bias = self._param(f"{op.layer}_b", self.constants[op.bias])
            op = replace(op, bias=bias)
            params.append(bias)
        return replace(op, params=tuple(params))

    def _split_weights(self, op: f.Conv, ratio: float) -> Weights:
        channels = select_channels(self.program, op, ratio)
        weights = self.constants[op.weights.frozen]
        selected = np.isin(np.arange(weights.shape[1]), channels)
        dense = op.geometry.groups == 1
        trained = weights[:, selected] if dense and not selected.all() else weights
        name = self._param(f"{op.layer}_w", trained)
        if self.options.rounding == "residual":
            self._param(f"{op.layer}_r", np.zeros(trained.shape, np.int16))
        frozen = ""
        if trained is not weights:
            frozen = f"{op.layer}_rest"
            self.constants[frozen] = weights[:, ~selected]
        return Weights(frozen, name, channels)

    def _loss(self, forward: list[Op]) -> None:
        output = self.tensors[self.program.output]
        gradient = self._new_gradient(output.name)
        self.grads[output.name] = gradient
        self.tensors["loss"] = Tensor("loss", (1,), "float32", "caller")
        names = (output.name, "label", "loss", gradient)
        if self.options.loss == "cross-entropy":
            self.tensors["label"] = Tensor("label", (1,), "int32", "caller")
            forward.append(f.SoftmaxLoss(output.size, *names))
        else:
            self.tensors["label"] = Tensor("label", output.shape, "float32", "caller")
            forward.append(f.MseLoss(output.size, *names))

    def _backward(self, op: Op, gradient: str) -> None:
        mask = getattr(op, "mask", "")
        if mask:
            name = f"{gradient}_in"
            self._tensor(name, self.tensors[gradient].shape, "float32")
            self.backward_ops.append(b.MaskGrad(self.tensors[name].size, gradient, mask, name))
            gradient = name
        rules: dict[type[Op], Callable[[Any, str], None]] = {
            f.Conv: self._conv,
            f.Add: self._add,
            f.Rescale: self._rescale,
            f.Dequantise: self._dequantise,
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
        self._bias_gradient(op, gradient)
        self._input_gradient(op, gradient)
        self._weight_gradient(op, gradient)

    def _input_gradient(self, op: f.Conv, gradient: str) -> None:
        if op.x in self.needs_grad:
            scales = f"{op.layer}_scales"
            params = (op.weights.trained,) if op.weights.trained else ()
            previous = self.grads.pop(op.x, "")
            onto = previous if previous != gradient else ""
            target = self._new_gradient(op.x)
            self.backward_ops.append(
                b.ConvGradX(
                    op.layer, op.geometry, op.weights, scales, gradient, params, onto, target
                )
            )
            if previous and not onto:
                self._accumulate(op.x, previous)
            self._accumulate(op.x, target)

    def _weight_gradient(self, op: f.Conv, gradient: str) -> None:
        if not self._update(op).ratio:
            return
        g, updated = op.geometry, op.weights.updated
        group_inputs = g.cin // g.groups
        matrix = (g.cout, len(updated)) if g.groups == 1 else (len(updated), group_inputs)
        shape = (*matrix, g.kh, g.kw)
        name = self._tensor(f"{op.layer}_dw", shape, "float32")
        self.backward_ops.append(
            b.WeightGrad(op.layer, g, updated, op.x_zero, gradient, op.x, name)
        )
        scales, x_scale = self._scales(op)
        factors = x_scale / scales if self.options.scaling else x_scale * scales
        residual = f"{op.layer}_r" if self.options.rounding == "residual" else ""
        rows = () if g.groups == 1 else updated
        row = int(np.prod(shape[1:]))
        self._add_update(
            op.layer, op.weights.trained, residual, factors, rows, row, name, bias=False
        )

    def _bias_gradient(self, op: f.Conv, gradient: str) -> None:
        if not self._update(op).bias:
            return
        g = op.geometry
        name = self._tensor(f"{op.layer}_db", (g.cout,), "float32")
        self.backward_ops.append(b.BiasGrad(op.layer, g.cout, g.oh * g.ow, gradient, name))
        scales, x_scale = self._scales(op)
        unit = x_scale * scales
        factors = 1 / unit if self.options.scaling else unit
        self._add_update(op.layer, op.bias, "", factors, (), 1, name, bias=True)

    def _scales(self, op: f.Conv) -> tuple[Array, float]:
        scales = self.constants[f"{op.layer}_scales"].astype(np.float64)
        return scales, self.program.quant(op.x).scale

    def _add_update(
        self, layer: str, param: str, residual: str, factors: Array, rows: tuple[int, ...],
        row: int, gradient: str, *, bias: bool,
    ) -> None:  # fmt: skip
        name = f"{param}_rates"
        self.constants[name] = factors.astype(np.float32)
        self.random_streams += 1
        self.update_ops.append(
            b.Step(layer, param, residual, name, rows, row, self.random_streams, bias, gradient)
        )

    def _add(self, op: f.Add, gradient: str) -> None:
        for term in (op.a, op.b):
            if term in self.needs_grad:
                self._accumulate(term, gradient)

    def _dequantise(self, op: f.Dequantise, gradient: str) -> None:
        self._accumulate(op.x, gradient)

    def _rescale(self, op: f.Rescale, gradient: str) -> None:
        if op.gain != 1:
            target = self._new_gradient(op.x)
            self.backward_ops.append(b.ScaleGrad(op.count, op.gain, gradient, target))
            gradient = target
        self._accumulate(op.x, gradient)

    def _lookup(self, op: f.Lookup, gradient: str) -> None:
        target = self._new_gradient(op.x)
        self.backward_ops.append(b.LookupGrad(op.slopes, op.count, gradient, op.x, target))
        self._accumulate(op.x, target)

    def _copy(self, op: f.Copy, gradient: str) -> None:
        target, size = self._new_gradient(op.x), self.tensors[op.x].size
        self.backward_ops.append(
            b.CopyGrad(op.counts, op.strides, op.start, size, gradient, target)
        )
        self._accumulate(op.x, target)

    def _gru(self, op: s.Gru, gradient: str) -> None:
        shape = (3 * op.units, *self.tensors[gradient].shape[1:])
        maps = op.input_gates, op.state_gates
        grads = [self._tensor(f"{gradient}_{part}", shape, "float32") for part in ("in", "state")]
        scales = f"{op.state_gates.layer}_scales"
        self.backward_ops.append(s.GruGrad(op, scales, gradient, op.x, op.y, op.params, *grads))
        for conv, gate_gradient in zip(maps, grads, strict=True):
            self._bias_gradient(conv, gate_gradient)
        self._input_gradient(op.input_gates, grads[0])
        for conv, gate_gradient in zip(maps, grads, strict=True):
            self._weight_gradient(conv, gate_gradient)

    def _matmul(self, op: s.MatMul, gradient: str) -> None:
        """Compute the gradient of the smaller factor first; that of the larger may overwrite g."""
        heads, m, n, terms = op.heads, op.m, op.n, op.terms
        (a_at, a_h, a_i, a_k), (b_at, b_h, b_k, b_j) = op.a_layout, op.b_layout
        by_a = (
            op.a, op.b, (heads, m, terms, n), (0, m * n, 1, 0, m), (b_at, b_h, 0, b_k, b_j),
            (a_at, a_h, a_i, a_k),
        )  # fmt: skip
        by_b = (
            op.b, op.a, (heads, terms, n, m), (0, m * n, 0, m, 1), (a_at, a_h, a_k, 0, a_i),
            (b_at, b_h, b_k, b_j),
        )  # fmt: skip
        for factor in sorted((by_a, by_b), key=lambda factor: self.tensors[factor[0]].size):
            if factor[0] in self.needs_grad:
                self._factor_gradient(*factor, gradient)

    def _factor_gradient(
        self, one: str, other: str, counts: s.Layout, g_layout: s.Layout, x_layout: s.Layout,
        y_layout: s.Layout, gradient: str,
    ) -> None:  # fmt: skip
        target, quant = self._new_gradient(one), self.program.quant(other)
        self.backward_ops.append(
            s.MatMulGrad(
                counts, g_layout, x_layout, y_layout, self.tensors[one].size, quant.zero,
                float(np.float32(quant.scale)), gradient, other, target,
            )
        )  # fmt: skip
        self._accumulate(one, target)

    def _softmax(self, op: s.Softmax, gradient: str) -> None:
        target = self._new_gradient(op.x)
        self.backward_ops.append(
            s.SoftmaxGrad(op.outer, op.count, op.stride, op.gain, gradient, op.y, target)
        )
        self._accumulate(op.x, target)

    def _normalise(self, op: s.Normalise, gradient: str) -> None:
        target = self._new_gradient(op.x)
        sizes = op.count, op.tokens, op.floor, op.gain
        self.backward_ops.append(s.NormaliseGrad(*sizes, gradient, op.x, target))
        self._accumulate(op.x, target)

    def _concat(self, op: f.Concat, gradient: str) -> None:
        offset = 0
        for x, count in zip(op.xs, op.counts, strict=True):
            if x in self.needs_grad:
                target = self._new_gradient(x)
                self.backward_ops.append(b.SliceGrad(offset, count, gradient, target))
                self._accumulate(x, target)
            offset += count

    def _average_pool(self, op: f.AveragePool, gradient: str) -> None:
        target = self._new_gradient(op.x)
        self.backward_ops.append(b.AveragePoolGrad(op.geometry, op.divisor, gradient, target))
        self._accumulate(op.x, target)

    def _max_pool(self, op: f.MaxPool, gradient: str) -> None:
        target = self._new_gradient(op.x)
        self.backward_ops.append(b.MaxPoolGrad(op.geometry, gradient, op.index, target))
        self._accumulate(op.x, target)

    def _new_gradient(self, name: str) -> str:
        """Declare a new gradient tensor of `name`."""
        count = sum(other.startswith(f"d_{name}__") for other in self.tensors)
        return self._tensor(f"d_{name}__{count}", self.tensors[name].shape, "float32")

    def _accumulate(self, name: str, gradient: str) -> None:
        """Add a gradient of `name` to those computed before, if any."""
        if name not in self.needs_grad:
            return
        if name not in self.grads:
            self.grads[name] = gradient
            return
        total = self._new_gradient(name)
        size = self.tensors[name].size
        self.backward_ops.append(b.Accumulate(size, self.grads[name], gradient, total))
        self.grads[name] = total

    def _tensor(self, name: str, shape: Shape, dtype: DType) -> str:
        self.tensors[name] = Tensor(name, shape, dtype)
        return name

    def _param(self, name: str, values: Array) -> str:
        kinds: dict[str, DType] = {"int8": "int8", "int16": "int16", "int32": "int32"}
        dtype = kinds[str(values.dtype)]
        self.tensors[name] = Tensor(name, values.shape, dtype, "param")
        self.initial[name] = np.ascontiguousarray(values)
        return name
