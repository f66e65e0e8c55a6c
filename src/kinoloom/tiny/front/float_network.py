"""A network in real numbers, as the front reads it: layers in order, shapes as in `ir`."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from kinoloom.tiny.ir.program import Geometry, Shape

Reals = NDArray[np.float64]


@dataclass(frozen=True)
class Layer:
    """What all layers have.

    Attributes:
        name: of the value that it makes; unique, a C identifier.
        module: the path of the module that it came from, "" for the model itself.
        shape: of its result, as in `ir`.
        low, high: the clamp of its result, which is its activation function; None where open.
    """

    name: str
    module: str
    shape: Shape
    low: float | None = field(default=None, kw_only=True)
    high: float | None = field(default=None, kw_only=True)

    def inputs(self) -> tuple[str, ...]:
        """Names of the values that it reads."""
        raise NotImplementedError

    def with_clamp(self, name: str, low: float | None, high: float | None) -> Layer:
        """The same layer under another name with a tighter clamp."""
        lows = [v for v in (self.low, low) if v is not None]
        highs = [v for v in (self.high, high) if v is not None]
        return replace(self, name=name, low=max(lows, default=None), high=min(highs, default=None))


@dataclass(frozen=True)
class UnaryLayer(Layer):
    """A layer that reads one value, `x`."""

    x: str

    def inputs(self) -> tuple[str, ...]:
        """That value."""
        return (self.x,)


@dataclass(frozen=True)
class FloatConv(UnaryLayer):
    """A convolution or linear layer; `weight` (cout, cin / groups, kh, kw), `bias` (cout,)."""

    geometry: Geometry
    weight: Reals
    bias: Reals


@dataclass(frozen=True)
class FloatAdd(Layer):
    """A sum."""

    a: str
    b: str

    def inputs(self) -> tuple[str, ...]:
        """Two values."""
        return (self.a, self.b)


@dataclass(frozen=True)
class FloatClamp(UnaryLayer):
    """A clamp that no layer before it can take over."""


@dataclass(frozen=True)
class FloatPool(UnaryLayer):
    """Pooling; `divisor` is that of the mean."""

    kind: Literal["average", "max"]
    geometry: Geometry
    divisor: int


@dataclass(frozen=True)
class FloatConcat(Layer):
    """A concatenation of channels."""

    xs: tuple[str, ...]

    def inputs(self) -> tuple[str, ...]:
        """Any number of values."""
        return self.xs


@dataclass(frozen=True)
class FloatLookup(UnaryLayer):
    """A function of each element: `kind` of `curves.CURVES`, with its parameter."""

    kind: str
    parameter: float


@dataclass(frozen=True)
class FloatAffine(UnaryLayer):
    """`gain * x + offset`, of numbers that are not trained."""

    gain: float
    offset: float


@dataclass(frozen=True)
class FloatCopy(UnaryLayer):
    """Elements in another order: nested loops (count, stride) of places, from `start`."""

    loops: tuple[tuple[int, int], ...]
    start: int


@dataclass(frozen=True)
class FloatMatMul(Layer):
    """Products of two values, head by head; the result (heads, N, M) is stored transposed.

    Attributes:
        inner: K, how many products are summed.
        a_places: (first, stride of heads, of M, of K).
        b_places: (first, stride of heads, of K, of N).
    """

    a: str
    b: str
    inner: int
    a_layout: tuple[int, ...]
    b_layout: tuple[int, ...]

    def inputs(self) -> tuple[str, ...]:
        """Two values."""
        return (self.a, self.b)


@dataclass(frozen=True)
class FloatSoftmax(UnaryLayer):
    """A softmax of `gain` times x over `count` elements that are `inner` apart."""

    count: int
    inner: int
    gain: float


@dataclass(frozen=True)
class FloatNormalise(UnaryLayer):
    """Each token (column) less its mean, divided by its deviation; `eps` is added to its square."""

    eps: float


@dataclass(frozen=True)
class Gates:
    """A map to the three gates of a recurrent cell: reset, update, new."""

    geometry: Geometry
    weight: Reals
    bias: Reals


@dataclass(frozen=True)
class FloatGru(UnaryLayer):
    """A gated recurrent unit over a series; the result is its state after each step.

    Attributes:
        of_input, of_state: the maps from the input and from the state before.
    """

    input_gates: Gates
    state_gates: Gates


@dataclass(frozen=True)
class FloatNetwork:
    """Layers in order.

    Attributes:
        ranges: the least and largest value seen of each, when calibrated.
        constants: real values that layers read beside those that are computed.
    """

    input: str
    input_shape: Shape
    layers: tuple[Layer, ...]
    output: str
    ranges: dict[str, tuple[float, float]] = field(default_factory=dict)
    constants: dict[str, Reals] = field(default_factory=dict)

    def readers(self, name: str) -> list[Layer]:
        """The layers that read a value."""
        return [layer for layer in self.layers if name in layer.inputs()]


CLAMP_FOLDING = FloatConv | FloatAdd | FloatConcat | FloatAffine | FloatMatMul


def fold_clamps(network: FloatNetwork) -> FloatNetwork:
    """Give each clamp to the layer before it where that layer has no other reader.

    A maximum is not such a layer: it keeps the scale of what it reads.
    """
    layers: list[Layer] = []
    for layer in network.layers:
        if isinstance(layer, FloatClamp):
            makers = [i for i, other in enumerate(layers) if other.name == layer.x]
            alone = layer.x != network.output and len(network.readers(layer.x)) == 1
            maker = layers[makers[0]] if makers else None
            takes = isinstance(maker, CLAMP_FOLDING) or (
                isinstance(maker, FloatPool) and maker.kind == "average"
            )
            if maker is not None and alone and takes:
                layers[makers[0]] = maker.with_clamp(layer.name, layer.low, layer.high)
                continue
        layers.append(layer)
    return replace(network, layers=tuple(layers))
