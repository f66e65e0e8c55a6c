"""Quantise a calibrated network: int8 weights by channel, int8 activations by tensor.

Weights are symmetric (-127..127, scale by output channel), activations affine over the range that
calibration saw, made to contain 0; biases are int32 in units of both scales.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from kinoloom.errors import UsageError
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
    """The map from int8 onto low..high, widened to contain 0, which it holds exactly."""
    low, high = min(low, 0.0), max(high, 0.0)
    scale = max(high - low, MIN_RANGE) / 255
    zero = int(np.clip(round(-128 - low / scale), -128, 127))
    return Quant(float(np.float32(scale)), zero)


def quantise_weights(weight: Reals, bias: Reals, x_scale: float, room: float = 1.0) -> ConvValues:
    """int8 weights and int32 biases of real ones; channels of zeros get a scale of one unit."""
    peak = np.abs(weight).reshape(weight.shape[0], -1).max(axis=1)
    scales = np.where(peak > 0, peak * room / 127, 1 / 127).astype(np.float32).astype(np.float64)
    ints = np.clip(np.rint(weight / scales[:, None, None, None]), -127, 127)
    biases = np.clip(np.rint(bias / (scales * x_scale)), -BIAS_LIMIT, BIAS_LIMIT)
    return ConvValues(ints.astype(np.int8), biases.astype(np.int32), scales)


@dataclass(frozen=True)
class Headroom:
    """How much wider than what was seen the ranges are made, so that training can move in them.

    Scales stay as they are on the device: a weight that reaches 127, or a value that is clamped,
    can go no further. 1 is best for inference alone.

    Attributes:
        weights, values: factors of the ranges of weights and of activations, from 1 up.
        head: of the weights of the last layer, which change most: it learns other classes.
    """

    weights: float = 1.0
    values: float = 1.0
    head: float = 1.0

    def __post_init__(self) -> None:
        for factor in (self.weights, self.values, self.head):
            if not 1 <= factor <= 16:
                raise UsageError(f"Headroom must be in 1..16, not {factor}.")


TRAINING_HEADROOM = Headroom(2.0, 2.0, 4.0)


def quantise(network: FloatNetwork, name: str, room: Headroom = TRAINING_HEADROOM) -> Program:
    """The inference program of a network; its last layer gives float32.

    Raises:
        UsageError: a value was not calibrated, or the name is not fit for C.
    """
    return _Quantiser(network, Builder(name), room).run()


@dataclass(frozen=True)
class _Quantiser:
    network: FloatNetwork
    builder: Builder
    room: Headroom

    def run(self) -> Program:
        network, builder = self.network, self.builder
        builder.add_input(network.input, network.input_shape, self._range(network.input, 1.0))
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

    def _range(
        self, name: str, room: float, least: float | None = None, most: float | None = None
    ) -> Quant:
        """The map onto the range of a value, made wider, but not beyond what it can reach."""
        if name not in self.network.ranges:
            raise UsageError(f"The value '{name}' was not calibrated.")
        low, high = (bound * room for bound in self.network.ranges[name])
        low = low if least is None else max(low, least)
        high = high if most is None else min(high, most)
        return quantise_range(low, high)

    def _result(self, layer: Layer) -> OutputSpec:
        least, most = layer.low, layer.high
        if isinstance(layer, FloatLookup) and layer.kind in ACTIVATION_BOUNDS:
            least, most = ACTIVATION_BOUNDS[layer.kind]
        quant = self._range(layer.name, self.room.values, least, most)
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
        self.builder.add_sum(layer.name, layer.a, layer.b, self._result(layer))

    def _clamp(self, layer: FloatClamp) -> None:
        self.builder.add_rescale(layer.name, layer.x, layer.shape, self._result(layer))

    def _affine(self, layer: FloatAffine) -> None:
        change = layer.gain, layer.offset
        self.builder.add_rescale(layer.name, layer.x, layer.shape, self._result(layer), *change)

    def _lookup(self, layer: FloatLookup) -> None:
        curve = layer.kind, layer.parameter
        self.builder.add_lookup(layer.name, layer.x, self._result(layer), curve)

    def _copy(self, layer: FloatCopy) -> None:
        self.builder.add_copy(layer.name, layer.x, layer.shape, layer.loops, layer.start)

    def _concat(self, layer: FloatConcat) -> None:
        self.builder.add_concat(layer.name, layer.xs, layer.shape, self._result(layer))

    def _pool(self, layer: FloatPool) -> None:
        if layer.kind == "max":
            self.builder.add_max_pool(layer.name, layer.x, layer.geometry)
            return
        result = self._result(layer)
        self.builder.add_average_pool(layer.name, layer.x, layer.geometry, layer.divisor, result)

    def _gru(self, layer: FloatGru) -> None:
        gates = layer.input_gates, layer.state_gates
        sources = self.builder.quant(layer.x), lower_sequence.STATE_QUANT
        values = tuple(
            quantise_weights(gate.weight, gate.bias, source.scale, self.room.weights)
            for gate, source in zip(gates, sources, strict=True)
        )
        geometries = gates[0].geometry, gates[1].geometry
        lower_sequence.add_gru(
            self.builder, layer.name, layer.x, geometries, (values[0], values[1])
        )

    def _matmul(self, layer: FloatMatMul) -> None:
        heads, n, m = layer.shape
        counts, places = (heads, m, n, layer.inner), (layer.a_layout, layer.b_layout)
        factors, result = (layer.a, layer.b), self._result(layer)
        lower_sequence.add_matmul(self.builder, layer.name, factors, counts, places, result)

    def _softmax(self, layer: FloatSoftmax) -> None:
        rows = layer.count, layer.inner, layer.gain
        lower_sequence.add_softmax(self.builder, layer.name, layer.x, *rows)

    def _normalise(self, layer: FloatNormalise) -> None:
        result = self._result(layer)
        lower_sequence.add_normalise(
            self.builder, layer.name, layer.x, layer.shape, layer.eps, result
        )

    def _conv(self, layer: FloatConv) -> None:
        source = self.builder.quant(layer.x)
        open_ended = layer.low is None and layer.high is None
        last = layer.name == self.network.output and not self.network.readers(layer.name)
        room = self.room.head if last else self.room.weights
        values = quantise_weights(layer.weight, layer.bias, source.scale, room)
        result = None if last and open_ended else self._result(layer)
        self.builder.add_conv(layer.name, layer.x, layer.geometry, values, result)
