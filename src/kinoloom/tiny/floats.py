"""A network in real numbers, as the front reads it: layers in order, shapes as in `ir`."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from kinoloom.tiny.ir import Geometry, Shape

Reals = NDArray[np.float64]


@dataclass(frozen=True)
class Layer:
    """What all layers have.

    Attributes:
        name: of the value that it makes; unique, a C identifier.
        where: the module that it came from, for messages.
        shape: of its result, as in `ir`.
        low, high: the clamp of its result, which is its activation function; None where open.
    """

    name: str
    where: str
    shape: Shape
    low: float | None = field(default=None, kw_only=True)
    high: float | None = field(default=None, kw_only=True)

    def inputs(self) -> tuple[str, ...]:
        """Names of the values that it reads."""
        raise NotImplementedError

    def clamped(self, name: str, low: float | None, high: float | None) -> Layer:
        """The same layer under another name with a tighter clamp."""
        lows = [v for v in (self.low, low) if v is not None]
        highs = [v for v in (self.high, high) if v is not None]
        return replace(self, name=name, low=max(lows, default=None), high=min(highs, default=None))


@dataclass(frozen=True)
class RealConv(Layer):
    """A convolution or linear layer; `weight` (cout, cin / groups, kh, kw), `bias` (cout,)."""

    x: str
    geometry: Geometry
    weight: Reals
    bias: Reals

    def inputs(self) -> tuple[str, ...]:
        """One value."""
        return (self.x,)


@dataclass(frozen=True)
class RealAdd(Layer):
    """A sum."""

    a: str
    b: str

    def inputs(self) -> tuple[str, ...]:
        """Two values."""
        return (self.a, self.b)


@dataclass(frozen=True)
class RealClamp(Layer):
    """A clamp that no layer before it can take over."""

    x: str

    def inputs(self) -> tuple[str, ...]:
        """One value."""
        return (self.x,)


@dataclass(frozen=True)
class RealPool(Layer):
    """Pooling; `divisor` is that of the mean."""

    kind: Literal["average", "max"]
    x: str
    geometry: Geometry
    divisor: int

    def inputs(self) -> tuple[str, ...]:
        """One value."""
        return (self.x,)


@dataclass(frozen=True)
class RealConcat(Layer):
    """A concatenation of channels."""

    xs: tuple[str, ...]

    def inputs(self) -> tuple[str, ...]:
        """Any number of values."""
        return self.xs


@dataclass(frozen=True)
class Network:
    """Layers in order; `ranges` has the least and largest value seen of each, when calibrated."""

    input: str
    input_shape: Shape
    layers: tuple[Layer, ...]
    output: str
    ranges: dict[str, tuple[float, float]] = field(default_factory=dict)

    def readers(self, name: str) -> list[Layer]:
        """The layers that read a value."""
        return [layer for layer in self.layers if name in layer.inputs()]


def fold_clamps(network: Network) -> Network:
    """Give each clamp to the layer before it where that layer has no other reader.

    A maximum is not such a layer: it keeps the scale of what it reads.
    """
    layers: list[Layer] = []
    for layer in network.layers:
        if isinstance(layer, RealClamp):
            makers = [i for i, other in enumerate(layers) if other.name == layer.x]
            alone = layer.x != network.output and len(network.readers(layer.x)) == 1
            maker = layers[makers[0]] if makers else None
            takes = isinstance(maker, RealConv | RealAdd | RealConcat) or (
                isinstance(maker, RealPool) and maker.kind == "average"
            )
            if maker is not None and alone and takes:
                layers[makers[0]] = maker.clamped(layer.name, layer.low, layer.high)
                continue
        layers.append(layer)
    return replace(network, layers=tuple(layers))
