"""Build the forward pass of a program: quantised layers in, operations and constants out."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from kinoloom.errors import UsageError
from kinoloom.tiny.arithmetic import ADD_BITS, BIAS_LIMIT, quantise_multiplier
from kinoloom.tiny.ir import forward_ops as f
from kinoloom.tiny.ir.program import Array, Geometry, Op, Program, Quant, Shape, Tensor, Weights
from kinoloom.tiny.quantisation.activations import ACTIVATIONS, differentiate_activation


@dataclass(frozen=True)
class OutputSpec:
    """Where a layer's result goes: its quantisation and the int8 range that it is clamped to."""

    quant: Quant
    low: int = -128
    high: int = 127


@dataclass(frozen=True)
class ConvValues:
    """The numbers of a quantised convolution.

    Attributes:
        weight: (cout, cin / groups, kh, kw) int8, -127..127.
        bias: (cout,) int32, in units of the input's scale times `scales`.
        scales: (cout,) of the weights.
    """

    weight: Array
    bias: Array
    scales: Array


@dataclass
class Builder:
    """A forward pass as far as it is built; all its layers are frozen."""

    name: str
    tensors: dict[str, Tensor] = field(default_factory=dict)
    constants: dict[str, Array] = field(default_factory=dict)
    ops: list[Op] = field(default_factory=list)

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z][a-z0-9_]*", self.name):
            raise UsageError(
                f"A program's name becomes part of C names: lower case letters, digits and _, "
                f"not '{self.name}'."
            )

    def add_input(self, name: str, shape: Shape, quant: Quant) -> None:
        """Declare the input."""
        self.tensors[name] = Tensor(name, shape, "int8", "input", quant)

    def quant(self, name: str) -> Quant:
        """The quantisation of a value.

        Raises:
            UsageError: it is real: only the last layer may be that.
        """
        found = self.tensors[name].quant
        if found is None:
            raise UsageError(f"The value '{name}' is real, and cannot be read by a layer.")
        return found

    def add_conv(
        self, name: str, x: str, geometry: Geometry, values: ConvValues, result: OutputSpec | None
    ) -> None:
        """A convolution to int8, or to float32 where `result` is None."""
        unit = None if result is None else result.quant.scale
        made = self.lower_conv(name, x, geometry, values, unit)
        zero, low, high = self._bounds(result)
        self.add_tensor(name, (geometry.cout, geometry.oh, geometry.ow), result)
        self.ops.append(replace(made, y_zero=zero, low=low, high=high))

    def lower_conv(
        self, name: str, x: str, geometry: Geometry, values: ConvValues, unit: float | None
    ) -> f.Conv:
        """The constants of a convolution whose results are in a unit, or real; and itself."""
        source = self.quant(x)
        scales = np.asarray(values.scales, np.float64)
        bias = np.clip(np.asarray(values.bias, np.int64), -BIAS_LIMIT, BIAS_LIMIT)
        shape = (geometry.cout, geometry.cin // geometry.groups, geometry.kh, geometry.kw)
        kept: dict[str, Array] = {
            "weight": np.asarray(values.weight, np.int8).reshape(shape),
            "bias": bias.astype(np.int32),
            "scales": scales.astype(np.float32),
        }
        if unit is None:
            kept["factors"] = (scales * source.scale).astype(np.float32)
        else:
            pairs = [quantise_multiplier(source.scale * s / unit) for s in scales]
            kept["multipliers"] = np.array([m for m, _ in pairs], np.int32)
            kept["shifts"] = np.array([s for _, s in pairs], np.uint8)
        for part, array in kept.items():
            self.constants[f"{name}_{part}"] = array
        return f.Conv(
            layer=name,
            geometry=geometry,
            weights=Weights(f"{name}_weight"),
            bias=f"{name}_bias",
            x_zero=source.zero,
            y_zero=0,
            low=0,
            high=0,
            multipliers="" if unit is None else f"{name}_multipliers",
            shifts="" if unit is None else f"{name}_shifts",
            factors=f"{name}_factors" if unit is None else "",
            x=x,
            params=(),
            y=name,
            mask="",
        )

    def add_sum(self, name: str, a: str, b: str, result: OutputSpec) -> None:
        """A sum.

        Raises:
            UsageError: a term's range is over a million times that of the sum.
        """
        first, second = self.quant(a), self.quant(b)
        factors = [q.scale / result.quant.scale for q in (first, second)]
        _, top = np.frexp(max(factors))
        shift = int(np.clip(ADD_BITS - top, 1, 30))
        mults = [round(factor * 2**shift) for factor in factors]
        if max(mults) >= 2 ** (ADD_BITS + 1):
            raise UsageError(f"The sum '{name}' has a range far smaller than its terms.")
        zero, low, high = self._bounds(result)
        self.add_tensor(name, self.tensors[a].shape, result)
        self.ops.append(
            f.Add(
                first.zero, second.zero, zero, mults[0], mults[1], shift, low, high, a, b, name, ""
            )
        )

    def add_rescale(
        self,
        name: str,
        x: str,
        shape: Shape,
        result: OutputSpec,
        gain: float = 1.0,
        term: float = 0.0,
    ) -> None:
        """Another scale or range of the same values, or of `gain` times these plus `term`."""
        source = self.quant(x)
        multiplier, shift = quantise_multiplier(abs(gain) * source.scale / result.quant.scale)
        multiplier = -multiplier if gain < 0 else multiplier
        zero, low, high = self._bounds(result)
        zero += round(float(np.clip(term / result.quant.scale, -(2**24), 2**24)))
        tensor = self.add_tensor(name, shape, result)
        self.ops.append(
            f.Rescale(
                gain, source.zero, zero, multiplier, shift, low, high, tensor.size, x, name, ""
            )
        )

    def add_constant(self, name: str, values: Array, quant: Quant) -> None:
        """Real values that layers read as if they had been computed."""
        ints = np.clip(np.rint(values / quant.scale) + quant.zero, -128, 127).astype(np.int8)
        self.constants[name] = ints
        self.tensors[name] = Tensor(name, ints.shape, "int8", "constant", quant)

    def add_lookup(self, name: str, x: str, result: OutputSpec, curve: tuple[str, float]) -> None:
        """A function of `curves.CURVES`, element by element."""
        source = self.quant(x)
        kind, parameter = curve
        real = (np.arange(-128.0, 128.0) - source.zero) * np.float64(source.scale)
        steps = ACTIVATIONS[kind](real, parameter) / result.quant.scale + result.quant.zero
        inside = (steps > -128.5) & (steps < 127.5)
        self.constants[f"{name}_table"] = np.clip(np.rint(steps), -128, 127).astype(np.int8)
        slope = np.where(inside, differentiate_activation(kind, real, parameter), 0)
        self.constants[f"{name}_slopes"] = slope.astype(np.float32)
        tensor = self.add_tensor(name, self.tensors[x].shape, result)
        self.ops.append(f.Lookup(f"{name}_table", f"{name}_slopes", tensor.size, x, name))

    def add_copy(
        self, name: str, x: str, shape: Shape, loops: tuple[tuple[int, int], ...], start: int
    ) -> None:
        """Elements in another order, or some of them."""
        four = ((1, 0),) * (4 - len(loops)) + loops
        self.add_tensor(name, shape, OutputSpec(self.quant(x)))
        counts, strides = (tuple(loop[i] for loop in four) for i in (0, 1))
        self.ops.append(f.Copy(counts, strides, start, x, name))

    def add_concat(self, name: str, xs: tuple[str, ...], shape: Shape, result: OutputSpec) -> None:
        """Values one after the other."""
        sources = [self.quant(x) for x in xs]
        pairs = [quantise_multiplier(q.scale / result.quant.scale) for q in sources]
        zero, low, high = self._bounds(result)
        self.add_tensor(name, shape, result)
        self.ops.append(
            f.Concat(
                tuple(q.zero for q in sources),
                tuple(m for m, _ in pairs),
                tuple(s for _, s in pairs),
                tuple(self.tensors[x].size for x in xs),
                zero,
                low,
                high,
                xs,
                name,
                "",
            )
        )

    def add_average_pool(
        self, name: str, x: str, geometry: Geometry, divisor: int, result: OutputSpec
    ) -> None:
        """A mean over windows."""
        source = self.quant(x)
        multiplier, shift = quantise_multiplier(source.scale / result.quant.scale / divisor)
        zero, low, high = self._bounds(result)
        self.add_tensor(name, (geometry.cout, geometry.oh, geometry.ow), result)
        self.ops.append(
            f.AveragePool(
                geometry, divisor, source.zero, zero, multiplier, shift, low, high, x, name, ""
            )
        )

    def add_max_pool(self, name: str, x: str, geometry: Geometry) -> None:
        """A maximum over windows; it keeps the quantisation of what it reads.

        Raises:
            UsageError: a window holds padding only, which has no maximum.
        """
        if geometry.has_empty_window:
            raise UsageError(f"A window of the maximum '{name}' holds nothing but padding.")
        self.add_tensor(name, (geometry.cout, geometry.oh, geometry.ow), OutputSpec(self.quant(x)))
        self.ops.append(f.MaxPool(geometry, x, name, ""))

    def add_dequantise(self, name: str, x: str) -> None:
        """Real values of int8 ones."""
        quant, tensor = self.quant(x), self.tensors[x]
        self.add_tensor(name, tensor.shape, None)
        self.ops.append(
            f.Dequantise(quant.zero, float(np.float32(quant.scale)), tensor.size, x, name)
        )

    def build(self, input: str, output: str) -> Program:  # noqa: A002  the word for it
        """The inference program."""
        ops = tuple(self.ops)
        return Program(self.name, self.tensors, self.constants, {}, ops, len(ops), input, output)

    def add_tensor(self, name: str, shape: Shape, result: OutputSpec | None) -> Tensor:
        """Declare a value that an operation makes; real where `result` is None."""
        quant = result.quant if result else None
        self.tensors[name] = Tensor(name, shape, "int8" if result else "float32", "work", quant)
        return self.tensors[name]

    @staticmethod
    def _bounds(result: OutputSpec | None) -> tuple[Any, ...]:
        return (0, 0, 0) if result is None else (result.quant.zero, result.low, result.high)
