"""Quantise a calibrated network: int8 weights by channel, int8 activations by tensor.

Weights are symmetric (-127..127, scale by output channel), activations affine over the range that
calibration saw, made to contain 0; biases are int32 in units of both scales.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kinoloom.errors import UsageError
from kinoloom.tiny.arithmetic import BIAS_LIMIT
from kinoloom.tiny.build import Builder, ConvValues, Result
from kinoloom.tiny.floats import (
    Layer,
    Network,
    RealAdd,
    RealClamp,
    RealConcat,
    RealConv,
    RealPool,
    Reals,
)
from kinoloom.tiny.ir import Program, Quant

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
    """

    weights: float = 1.0
    values: float = 1.0

    def __post_init__(self) -> None:
        if not (1 <= self.weights <= 16 and 1 <= self.values <= 16):
            raise UsageError(f"Room must be in 1..16, not {self.weights} and {self.values}.")


TRAINING_ROOM = Room(2.0, 2.0)


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
        for layer in network.layers:
            self._layer(layer)
        output = network.output
        if builder.tensors[output].dtype == "int8":
            output = f"{output}_real"
            builder.dequantise(output, network.output)
        return builder.program(network.input, output)

    def _range(self, name: str, room: float) -> Quant:
        if name not in self.network.ranges:
            raise UsageError(f"The value '{name}' was not calibrated.")
        low, high = self.network.ranges[name]
        return quant_of(low * room, high * room)

    def _result(self, layer: Layer) -> Result:
        quant = self._range(layer.name, self.room.values)
        low = -128 if layer.low is None else self._bound(layer.low, quant)
        high = 127 if layer.high is None else self._bound(layer.high, quant)
        return Result(quant, low, high)

    @staticmethod
    def _bound(value: float, quant: Quant) -> int:
        return int(np.clip(round(value / quant.scale) + quant.zero, -128, 127))

    def _layer(self, layer: Layer) -> None:
        builder = self.builder
        if isinstance(layer, RealConv):
            self._conv(layer)
        elif isinstance(layer, RealAdd):
            builder.add(layer.name, layer.a, layer.b, self._result(layer))
        elif isinstance(layer, RealClamp):
            builder.rescale(layer.name, layer.x, layer.shape, self._result(layer))
        elif isinstance(layer, RealConcat):
            builder.concat(layer.name, layer.xs, layer.shape, self._result(layer))
        elif isinstance(layer, RealPool) and layer.kind == "max":
            builder.max_pool(layer.name, layer.x, layer.geometry)
        elif isinstance(layer, RealPool):
            result = self._result(layer)
            builder.average_pool(layer.name, layer.x, layer.geometry, layer.divisor, result)

    def _conv(self, layer: RealConv) -> None:
        source = self.builder.quant(layer.x)
        values = quantised_weights(layer.weight, layer.bias, source.scale, self.room.weights)
        open_ended = layer.low is None and layer.high is None
        last = layer.name == self.network.output and not self.network.readers(layer.name)
        result = None if last and open_ended else self._result(layer)
        self.builder.conv(layer.name, layer.x, layer.geometry, values, result)
