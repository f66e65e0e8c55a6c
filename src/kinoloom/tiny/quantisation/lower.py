"""Lowering of quantised layers to the operations and constants of an inference program."""

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
    """The quantisation of a layer's output and its int8 clamp.

    Attributes:
        quant: scale and zero point.
        low, high: clamp, -128..127.
    """

    quant: Quant
    low: int = -128
    high: int = 127


@dataclass(frozen=True)
class ConvValues:
    """The values of a quantised convolution.

    Attributes:
        weight: (cout, cin / groups, kh, kw) int8, -127..127.
        bias: (cout,) int32, in units of the input scale times `scales`.
        scales: (cout,) weight scales.
    """

    weight: Array
    bias: Array
    scales: Array


@dataclass
class Builder:
    """A builder of inference programs; its methods append operations.

    Attributes:
        name: prefix of the C names.
        tensors, constants: by name.
        ops: operations in order.
    """

    name: str
    tensors: dict[str, Tensor] = field(default_factory=dict)
    constants: dict[str, Array] = field(default_factory=dict)
    ops: list[Op] = field(default_factory=list)

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z][a-z0-9_]*", self.name):
            raise UsageError(
                f"Invalid program name '{self.name}': expected a prefix of C names, a lower case "
                "letter followed by lower case letters, digits or underscores."
            )

    def add_input(self, name: str, shape: Shape, quant: Quant) -> None:
        """Declare the input."""
        self.tensors[name] = Tensor(name, shape, "int8", "input", quant)

    def quant(self, name: str) -> Quant:
        """Return the quantisation of a value.

        Raises:
            UsageError: The value is float32, which only the output may be.
        """
        quant = self.tensors[name].quant
        if quant is None:
            raise UsageError(f"The value '{name}' is float32; layers read int8 values only.")
        return quant

    def add_conv(
        self, name: str, x: str, geometry: Geometry, values: ConvValues, output: OutputSpec | None
    ) -> None:
        """Add a convolution to int8, or to float32 if `output` is None."""
        unit = None if output is None else output.quant.scale
        conv = self.lower_conv(name, x, geometry, values, unit)
        zero, low, high = self._bounds(output)
        self.add_tensor(name, (geometry.cout, geometry.oh, geometry.ow), output)
        self.ops.append(replace(conv, y_zero=zero, low=low, high=high))

    def lower_conv(
        self, name: str, x: str, geometry: Geometry, values: ConvValues, unit: float | None
    ) -> f.Conv:
        """Add the constants of a convolution and return its operation, which is not added.

        Args:
            name: of the layer and its result.
            x: name of the input.
            geometry: of the convolution.
            values: weights, biases and scales.
            unit: scale of the result; None for float32.
        """
        source = self.quant(x)
        scales = np.asarray(values.scales, np.float64)
        bias = np.clip(np.asarray(values.bias, np.int64), -BIAS_LIMIT, BIAS_LIMIT)
        shape = (geometry.cout, geometry.cin // geometry.groups, geometry.kh, geometry.kw)
        arrays: dict[str, Array] = {
            "weight": np.asarray(values.weight, np.int8).reshape(shape),
            "bias": bias.astype(np.int32),
            "scales": scales.astype(np.float32),
        }
        if unit is None:
            arrays["factors"] = (scales * source.scale).astype(np.float32)
        else:
            pairs = [quantise_multiplier(source.scale * s / unit) for s in scales]
            arrays["multipliers"] = np.array([m for m, _ in pairs], np.int32)
            arrays["shifts"] = np.array([s for _, s in pairs], np.uint8)
        for part, array in arrays.items():
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

    def add_sum(self, name: str, a: str, b: str, output: OutputSpec) -> None:
        """Add a sum.

        Raises:
            UsageError: The range of a term is over a million times that of the sum.
        """
        first, second = self.quant(a), self.quant(b)
        factors = [q.scale / output.quant.scale for q in (first, second)]
        _, top = np.frexp(max(factors))
        shift = int(np.clip(ADD_BITS - top, 1, 30))
        mults = [round(factor * 2**shift) for factor in factors]
        if max(mults) >= 2 ** (ADD_BITS + 1):
            raise UsageError(
                f"The range of the sum '{name}' is over a million times smaller than that of its "
                "terms."
            )
        zero, low, high = self._bounds(output)
        self.add_tensor(name, self.tensors[a].shape, output)
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
        output: OutputSpec,
        gain: float = 1.0,
        offset: float = 0.0,
    ) -> None:
        """Add a requantisation of `gain * x + offset`."""
        source = self.quant(x)
        multiplier, shift = quantise_multiplier(abs(gain) * source.scale / output.quant.scale)
        multiplier = -multiplier if gain < 0 else multiplier
        zero, low, high = self._bounds(output)
        zero += round(float(np.clip(offset / output.quant.scale, -(2**24), 2**24)))
        tensor = self.add_tensor(name, shape, output)
        self.ops.append(
            f.Rescale(
                gain, source.zero, zero, multiplier, shift, low, high, tensor.size, x, name, ""
            )
        )

    def add_constant(self, name: str, values: Array, quant: Quant) -> None:
        """Add a constant that layers read like an activation."""
        ints = np.clip(np.rint(values / quant.scale) + quant.zero, -128, 127).astype(np.int8)
        self.constants[name] = ints
        self.tensors[name] = Tensor(name, ints.shape, "int8", "constant", quant)

    def add_lookup(
        self, name: str, x: str, output: OutputSpec, activation: tuple[str, float]
    ) -> None:
        """Add an activation function of `ACTIVATIONS`, given as (name, parameter)."""
        source = self.quant(x)
        kind, parameter = activation
        real = (np.arange(-128.0, 128.0) - source.zero) * np.float64(source.scale)
        steps = ACTIVATIONS[kind](real, parameter) / output.quant.scale + output.quant.zero
        inside = (steps > -128.5) & (steps < 127.5)
        self.constants[f"{name}_table"] = np.clip(np.rint(steps), -128, 127).astype(np.int8)
        slope = np.where(inside, differentiate_activation(kind, real, parameter), 0)
        self.constants[f"{name}_slopes"] = slope.astype(np.float32)
        tensor = self.add_tensor(name, self.tensors[x].shape, output)
        self.ops.append(f.Lookup(f"{name}_table", f"{name}_slopes", tensor.size, x, name))

    def add_copy(
        self, name: str, x: str, shape: Shape, loops: tuple[tuple[int, int], ...], start: int
    ) -> None:
        """Add a strided copy; `loops` are up to four pairs (count, stride), outermost first."""
        padded = ((1, 0),) * (4 - len(loops)) + loops
        self.add_tensor(name, shape, OutputSpec(self.quant(x)))
        counts, strides = (tuple(loop[i] for loop in padded) for i in (0, 1))
        self.ops.append(f.Copy(counts, strides, start, x, name))

    def add_concat(self, name: str, xs: tuple[str, ...], shape: Shape, output: OutputSpec) -> None:
        """Add a concatenation."""
        sources = [self.quant(x) for x in xs]
        pairs = [quantise_multiplier(q.scale / output.quant.scale) for q in sources]
        zero, low, high = self._bounds(output)
        self.add_tensor(name, shape, output)
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
        self, name: str, x: str, geometry: Geometry, divisor: int, output: OutputSpec
    ) -> None:
        """Add an average pooling."""
        source = self.quant(x)
        multiplier, shift = quantise_multiplier(source.scale / output.quant.scale / divisor)
        zero, low, high = self._bounds(output)
        self.add_tensor(name, (geometry.cout, geometry.oh, geometry.ow), output)
        self.ops.append(
            f.AveragePool(
                geometry, divisor, source.zero, zero, multiplier, shift, low, high, x, name, ""
            )
        )

    def add_max_pool(self, name: str, x: str, geometry: Geometry) -> None:
        """Add a max pooling; the result has the quantisation of the input.

        Raises:
            UsageError: A window contains padding only, which has no maximum.
        """
        if geometry.has_empty_window:
            raise UsageError(f"A window of the max pooling '{name}' contains padding only.")
        self.add_tensor(name, (geometry.cout, geometry.oh, geometry.ow), OutputSpec(self.quant(x)))
        self.ops.append(f.MaxPool(geometry, x, name, ""))

    def add_dequantise(self, name: str, x: str) -> None:
        """Add a dequantisation to float32."""
        quant, tensor = self.quant(x), self.tensors[x]
        self.add_tensor(name, tensor.shape, None)
        self.ops.append(
            f.Dequantise(quant.zero, float(np.float32(quant.scale)), tensor.size, x, name)
        )

    def build(self, input: str, output: str) -> Program:  # noqa: A002  the word for it
        """Return the inference program."""
        ops = tuple(self.ops)
        return Program(self.name, self.tensors, self.constants, {}, ops, len(ops), input, output)

    def add_tensor(self, name: str, shape: Shape, output: OutputSpec | None) -> Tensor:
        """Declare the result of an operation; float32 if `output` is None."""
        quant = output.quant if output else None
        self.tensors[name] = Tensor(name, shape, "int8" if output else "float32", "work", quant)
        return self.tensors[name]

    @staticmethod
    def _bounds(output: OutputSpec | None) -> tuple[Any, ...]:
        return (0, 0, 0) if output is None else (output.quant.zero, output.low, output.high)
