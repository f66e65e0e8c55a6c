"""Quantisation of a calibrated network: int8 weights per channel, int8 activations per tensor.

Weights are symmetric (-127..127, one scale per output channel). Activations are affine over their
calibrated range, extended to contain 0. Biases are int32, in units of input scale * weight scale.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from kinoloom.base.notes import logger
from kinoloom.errors import ArrayError, UsageError
from kinoloom.tiny.arithmetic import BIAS_LIMIT
from kinoloom.tiny.front.float_network import (
    FloatAdd,
    FloatAffine,
    FloatClamp,
    FloatConcat,
    FloatConv,
    FloatCopy,
    FloatGru,
    FloatLookup,
    FloatMatMul,
    FloatNetwork,
    FloatNormalise,
    FloatPool,
    FloatSoftmax,
    Layer,
    Reals,
)
from kinoloom.tiny.ir.program import Program, Quant
from kinoloom.tiny.quantisation import lower_sequence
from kinoloom.tiny.quantisation.activations import ACTIVATION_BOUNDS
from kinoloom.tiny.quantisation.lower import Builder, ConvValues, OutputSpec

MIN_RANGE = 1e-6


def quantise_range(low: float, high: float) -> Quant:
    """Return the quantisation of the range low..high, extended to contain 0, which is exact."""
    low, high = min(low, 0.0), max(high, 0.0)
    scale = max(high - low, MIN_RANGE) / 255
    zero = int(np.clip(round(-128 - low / scale), -128, 127))
    return Quant(float(np.float32(scale)), zero)


def quantise_weights(
    weight: Reals, bias: Reals, x_scale: float, headroom: float = 1.0
) -> ConvValues:
    """Quantise weights and biases; channels of zeros get a scale of 1/127.

    Args:
        weight: (cout, cin / groups, kh, kw) real weights.
        bias: (cout,) real biases.
        x_scale: scale of the input.
        headroom: factor by which the range of the weights is widened.
    """
    peak = np.abs(weight).reshape(weight.shape[0], -1).max(axis=1)
    scales = np.where(peak > 0, peak * headroom / 127, 1 / 127)
    scales = scales.astype(np.float32).astype(np.float64)
    ints = np.clip(np.rint(weight / scales[:, None, None, None]), -127, 127)
    biases = np.clip(np.rint(bias / (scales * x_scale)), -BIAS_LIMIT, BIAS_LIMIT)
    return ConvValues(ints.astype(np.int8), biases.astype(np.int32), scales)


@dataclass(frozen=True)
class Headroom:
    """Factors by which calibrated ranges are widened, to leave headroom for training.

    Scales are fixed on the device, so a weight saturates at 127 and an activation at its clamp. A
    factor of 1 is best for inference only.

    Attributes:
        weights: factor of the range of weights, 1..16.
        activations: factor of the range of activations, 1..16.
        head: factor of the weights of the last layer, 1..16; they change most, as the device may
            learn other classes.
    """

    weights: float = 1.0
    activations: float = 1.0
    head: float = 1.0

    def __post_init__(self) -> None:
        for factor in (self.weights, self.activations, self.head):
            if not 1 <= factor <= 16:
                raise UsageError(f"Invalid headroom {factor}: expected 1..16.")


TRAINING_HEADROOM = Headroom(2.0, 2.0, 4.0)


def quantise(network: FloatNetwork, name: str, headroom: Headroom = TRAINING_HEADROOM) -> Program:
    """Quantise a calibrated network to an inference program with a float32 output.

    Args:
        network: the calibrated network.
        name: prefix of the C names: lower case letters, digits and underscores.
        headroom: factors of the calibrated ranges.

    Raises:
        ArrayError: All calibration inputs are zero.
        UsageError: A value was not calibrated, or the name is not a valid prefix.
    """
    _check_input_range(network)
    return _Quantiser(network, Builder(name), headroom).run()


def _check_input_range(network: FloatNetwork) -> None:
    low, high = network.ranges.get(network.input, (0.0, 1.0))
    if max(-low, high) < MIN_RANGE:
        raise ArrayError(
            f"The calibration inputs have no range: their values are {low:g} to {high:g}.",
            hint=f"Calibrate with typical inputs, scaled to more than {MIN_RANGE:g}.",
        )


@dataclass(frozen=True)
class _Quantiser:
    network: FloatNetwork
    builder: Builder
    headroom: Headroom

    def run(self) -> Program:
        network, builder = self.network, self.builder
        builder.add_input(
            network.input, network.input_shape, self._quantise_range(network.input, 1.0)
        )
        for name, values in network.constants.items():
            low, high = float(values.min()), float(values.max())
            builder.add_constant(name, values, quantise_range(low, high))
        for layer in network.layers:
            self._layer(layer)
        output = network.output
        if builder.tensors[output].dtype == "int8":
            output = f"{output}_real"
            builder.add_dequantise(output, network.output)
        return builder.build(network.input, output)

    def _quantise_range(
        self, name: str, headroom: float, lower: float | None = None, upper: float | None = None
    ) -> Quant:
        """Return the quantisation of a value's widened range, limited to lower..upper."""
        if name not in self.network.ranges:
            raise UsageError(
                f"The value '{name}' has no calibrated range.",
                hint="Read the network with calibration inputs.",
            )
        low, high = (bound * headroom for bound in self.network.ranges[name])
        if max(-low, high) < MIN_RANGE:
            logger.warning(
                "'%s' is 0 for all calibration inputs, so the device clips it to 0. Calibrate with "
                "inputs that activate it.",
                name,
            )
        low = low if lower is None else max(low, lower)
        high = high if upper is None else min(high, upper)
        return quantise_range(low, high)

    def _output(self, layer: Layer) -> OutputSpec:
        lower, upper = layer.low, layer.high
        if isinstance(layer, FloatLookup) and layer.kind in ACTIVATION_BOUNDS:
            lower, upper = ACTIVATION_BOUNDS[layer.kind]
        quant = self._quantise_range(layer.name, self.headroom.activations, lower, upper)
        low = -128 if layer.low is None else self._bound(layer.low, quant)
        high = 127 if layer.high is None else self._bound(layer.high, quant)
        return OutputSpec(quant, low, high)

    @staticmethod
    def _bound(value: float, quant: Quant) -> int:
        return int(np.clip(round(value / quant.scale) + quant.zero, -128, 127))

    def _layer(self, layer: Layer) -> None:
        rules: dict[type[Layer], Callable[[Any], None]] = {
            FloatConv: self._conv,
            FloatAdd: self._add,
            FloatClamp: self._clamp,
            FloatAffine: self._affine,
            FloatLookup: self._lookup,
            FloatCopy: self._copy,
            FloatConcat: self._concat,
            FloatPool: self._pool,
            FloatGru: self._gru,
            FloatMatMul: self._matmul,
            FloatSoftmax: self._softmax,
            FloatNormalise: self._normalise,
        }
        rules[type(layer)](layer)

    def _add(self, layer: FloatAdd) -> None:
        self.builder.add_sum(layer.name, layer.a, layer.b, self._output(layer))

    def _clamp(self, layer: FloatClamp) -> None:
        self.builder.add_rescale(layer.name, layer.x, layer.shape, self._output(layer))

    def _affine(self, layer: FloatAffine) -> None:
        affine = layer.gain, layer.offset
        self.builder.add_rescale(layer.name, layer.x, layer.shape, self._output(layer), *affine)

    def _lookup(self, layer: FloatLookup) -> None:
        activation = layer.kind, layer.parameter
        self.builder.add_lookup(layer.name, layer.x, self._output(layer), activation)

    def _copy(self, layer: FloatCopy) -> None:
        self.builder.add_copy(layer.name, layer.x, layer.shape, layer.loops, layer.start)

    def _concat(self, layer: FloatConcat) -> None:
        self.builder.add_concat(layer.name, layer.xs, layer.shape, self._output(layer))

    def _pool(self, layer: FloatPool) -> None:
        if layer.kind == "max":
            self.builder.add_max_pool(layer.name, layer.x, layer.geometry)
            return
        output = self._output(layer)
        self.builder.add_average_pool(layer.name, layer.x, layer.geometry, layer.divisor, output)

    def _gru(self, layer: FloatGru) -> None:
        gates = layer.input_gates, layer.state_gates
        sources = self.builder.quant(layer.x), lower_sequence.STATE_QUANT
        values = tuple(
            quantise_weights(gate.weight, gate.bias, source.scale, self.headroom.weights)
            for gate, source in zip(gates, sources, strict=True)
        )
        geometries = gates[0].geometry, gates[1].geometry
        lower_sequence.add_gru(
            self.builder, layer.name, layer.x, geometries, (values[0], values[1])
        )

    def _matmul(self, layer: FloatMatMul) -> None:
        heads, n, m = layer.shape
        counts, layouts = (heads, m, n, layer.inner), (layer.a_layout, layer.b_layout)
        factors, output = (layer.a, layer.b), self._output(layer)
        lower_sequence.add_matmul(self.builder, layer.name, factors, counts, layouts, output)

    def _softmax(self, layer: FloatSoftmax) -> None:
        rows = layer.count, layer.inner, layer.gain
        lower_sequence.add_softmax(self.builder, layer.name, layer.x, *rows)

    def _normalise(self, layer: FloatNormalise) -> None:
        output = self._output(layer)
        lower_sequence.add_normalise(
            self.builder, layer.name, layer.x, layer.shape, layer.eps, output
        )

    def _conv(self, layer: FloatConv) -> None:
        source = self.builder.quant(layer.x)
        is_unclamped = layer.low is None and layer.high is None
        is_head = layer.name == self.network.output and not self.network.readers(layer.name)
        factor = self.headroom.head if is_head else self.headroom.weights
        values = quantise_weights(layer.weight, layer.bias, source.scale, factor)
        output = None if is_head and is_unclamped else self._output(layer)
        self.builder.add_conv(layer.name, layer.x, layer.geometry, values, output)
