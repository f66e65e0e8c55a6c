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
    Layer,
    Network,
    RealAdd,
    RealAffine,
    RealClamp,
    RealConcat,
    RealConv,
    RealCopy,
    RealGru,
    RealLookup,
    RealMatMul,
    RealNormalise,
    RealPool,
    Reals,
    RealSoftmax,
)
from kinoloom.tiny.ir.program import Program, Quant
from kinoloom.tiny.quantisation import lower_sequence as build_sequence
from kinoloom.tiny.quantisation.activations import REACH
from kinoloom.tiny.quantisation.lower import Builder, ConvValues, Result

LEAST_RANGE = 1e-6


def quant_of(low: float, high: float) -> Quant:
    """The map from int8 onto low..high, widened to contain 0, which it holds exactly."""
    low, high = min(low, 0.0), max(high, 0.0)
    scale = max(high - low, LEAST_RANGE) / 255
    zero = int(np.clip(round(-128 - low / scale), -128, 127))
    return Quant(float(np.float32(scale)), zero)


def quantised_weights(weight: Reals, bias: Reals, x_scale: float, room: float = 1.0) -> ConvValues:
    """int8 weights and int32 biases of real ones; channels of zeros get a scale of one unit."""
    peak = np.abs(weight).reshape(weight.shape[0], -1).max(axis=1)
    scales = np.where(peak > 0, peak * room / 127, 1 / 127).astype(np.float32).astype(np.float64)
    ints = np.clip(np.rint(weight / scales[:, None, None, None]), -127, 127)
    biases = np.clip(np.rint(bias / (scales * x_scale)), -BIAS_LIMIT, BIAS_LIMIT)
    return ConvValues(ints.astype(np.int8), biases.astype(np.int32), scales)


@dataclass(frozen=True)
class Room:
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
                raise UsageError(f"Room must be in 1..16, not {factor}.")


TRAINING_ROOM = Room(2.0, 2.0, 4.0)


def quantise(network: Network, name: str, room: Room = TRAINING_ROOM) -> Program:
    """The inference program of a network; its last layer gives float32.

    Raises:
        UsageError: a value was not calibrated, or the name is not fit for C.
    """
    return _Quantiser(network, Builder(name), room).run()


@dataclass(frozen=True)
class _Quantiser:
    network: Network
    builder: Builder
    room: Room

    def run(self) -> Program:
        network, builder = self.network, self.builder
        builder.input(network.input, network.input_shape, self._range(network.input, 1.0))
        for name, values in network.constants.items():
            low, high = float(values.min()), float(values.max())
            builder.constant(name, values, quant_of(low, high))
        for layer in network.layers:
            self._layer(layer)
        output = network.output
        if builder.tensors[output].dtype == "int8":
            output = f"{output}_real"
            builder.dequantise(output, network.output)
        return builder.program(network.input, output)

    def _range(
        self, name: str, room: float, least: float | None = None, most: float | None = None
    ) -> Quant:
        """The map onto the range of a value, made wider, but not beyond what it can reach."""
        if name not in self.network.ranges:
            raise UsageError(f"The value '{name}' was not calibrated.")
        low, high = (bound * room for bound in self.network.ranges[name])
        low = low if least is None else max(low, least)
        high = high if most is None else min(high, most)
        return quant_of(low, high)

    def _result(self, layer: Layer) -> Result:
        least, most = layer.low, layer.high
        if isinstance(layer, RealLookup) and layer.kind in REACH:
            least, most = REACH[layer.kind]
        quant = self._range(layer.name, self.room.values, least, most)
        low = -128 if layer.low is None else self._bound(layer.low, quant)
        high = 127 if layer.high is None else self._bound(layer.high, quant)
        return Result(quant, low, high)

    @staticmethod
    def _bound(value: float, quant: Quant) -> int:
        return int(np.clip(round(value / quant.scale) + quant.zero, -128, 127))

    def _layer(self, layer: Layer) -> None:
        rules: dict[type[Layer], Callable[[Any], None]] = {
            RealConv: self._conv,
            RealAdd: self._add,
            RealClamp: self._clamp,
            RealAffine: self._affine,
            RealLookup: self._lookup,
            RealCopy: self._copy,
            RealConcat: self._concat,
            RealPool: self._pool,
            RealGru: self._gru,
            RealMatMul: self._matmul,
            RealSoftmax: self._softmax,
            RealNormalise: self._normalise,
        }
        rules[type(layer)](layer)

    def _add(self, layer: RealAdd) -> None:
        self.builder.add(layer.name, layer.a, layer.b, self._result(layer))

    def _clamp(self, layer: RealClamp) -> None:
        self.builder.rescale(layer.name, layer.x, layer.shape, self._result(layer))

    def _affine(self, layer: RealAffine) -> None:
        change = layer.gain, layer.offset
        self.builder.rescale(layer.name, layer.x, layer.shape, self._result(layer), *change)

    def _lookup(self, layer: RealLookup) -> None:
        curve = layer.kind, layer.parameter
        self.builder.lookup(layer.name, layer.x, self._result(layer), curve)

    def _copy(self, layer: RealCopy) -> None:
        self.builder.copy(layer.name, layer.x, layer.shape, layer.loops, layer.start)

    def _concat(self, layer: RealConcat) -> None:
        self.builder.concat(layer.name, layer.xs, layer.shape, self._result(layer))

    def _pool(self, layer: RealPool) -> None:
        if layer.kind == "max":
            self.builder.max_pool(layer.name, layer.x, layer.geometry)
            return
        result = self._result(layer)
        self.builder.average_pool(layer.name, layer.x, layer.geometry, layer.divisor, result)

    def _gru(self, layer: RealGru) -> None:
        gates = layer.of_input, layer.of_state
        sources = self.builder.quant(layer.x), build_sequence.STATE
        values = tuple(
            quantised_weights(gate.weight, gate.bias, source.scale, self.room.weights)
            for gate, source in zip(gates, sources, strict=True)
        )
        geometries = gates[0].geometry, gates[1].geometry
        build_sequence.gru(self.builder, layer.name, layer.x, geometries, (values[0], values[1]))

    def _matmul(self, layer: RealMatMul) -> None:
        heads, n, m = layer.shape
        counts, places = (heads, m, n, layer.inner), (layer.a_places, layer.b_places)
        factors, result = (layer.a, layer.b), self._result(layer)
        build_sequence.matmul(self.builder, layer.name, factors, counts, places, result)

    def _softmax(self, layer: RealSoftmax) -> None:
        rows = layer.count, layer.inner, layer.gain
        build_sequence.softmax(self.builder, layer.name, layer.x, *rows)

    def _normalise(self, layer: RealNormalise) -> None:
        result = self._result(layer)
        build_sequence.normalise(self.builder, layer.name, layer.x, layer.shape, layer.eps, result)

    def _conv(self, layer: RealConv) -> None:
        source = self.builder.quant(layer.x)
        open_ended = layer.low is None and layer.high is None
        last = layer.name == self.network.output and not self.network.readers(layer.name)
        room = self.room.head if last else self.room.weights
        values = quantised_weights(layer.weight, layer.bias, source.scale, room)
        result = None if last and open_ended else self._result(layer)
        self.builder.conv(layer.name, layer.x, layer.geometry, values, result)
