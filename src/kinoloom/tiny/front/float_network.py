"""The network in real numbers that the front end reads: layers in order, shapes as in `ir`."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from kinoloom.tiny.ir.program import Geometry, Shape

Reals = NDArray[np.float64]


@dataclass(frozen=True)
class Layer:
    """Base class of layers.

    Attributes:
        name: name of its output; unique and a C identifier.
        module: path of the torch module; "" for the model itself.
        shape: of the output, as in `ir`.
        low, high: clamp of the output, such as ReLU; None for no bound.
    """

    name: str
    module: str
    shape: Shape
    low: float | None = field(default=None, kw_only=True)
    high: float | None = field(default=None, kw_only=True)

    def inputs(self) -> tuple[str, ...]:
        """Return the names of its inputs."""
        raise NotImplementedError

    def with_clamp(self, name: str, low: float | None, high: float | None) -> Layer:
        """Return the layer under another name with an additional clamp."""
        lows = [v for v in (self.low, low) if v is not None]
        highs = [v for v in (self.high, high) if v is not None]
        return replace(self, name=name, low=max(lows, default=None), high=min(highs, default=None))


@dataclass(frozen=True)
class UnaryLayer(Layer):
    """A layer with one input, `x`."""

    x: str

    def inputs(self) -> tuple[str, ...]:
        """Return the name of the input."""
        return (self.x,)


@dataclass(frozen=True)
class FloatConv(UnaryLayer):
    """A convolution or linear layer; `weight` (cout, cin / groups, kh, kw), `bias` (cout,)."""

    geometry: Geometry
    weight: Reals
    bias: Reals


@dataclass(frozen=True)
class FloatAdd(Layer):
    """A sum of two values."""

    a: str
    b: str

    def inputs(self) -> tuple[str, ...]:
        """Return the names of both inputs."""
        return (self.a, self.b)


@dataclass(frozen=True)
class FloatClamp(UnaryLayer):
    """A clamp that is not folded into the previous layer."""


@dataclass(frozen=True)
class FloatPool(UnaryLayer):
    """Average or max pooling; `divisor` is that of the average."""

    kind: Literal["average", "max"]
    geometry: Geometry
    divisor: int


@dataclass(frozen=True)
class FloatConcat(Layer):
    """A concatenation of channels."""

    xs: tuple[str, ...]

    def inputs(self) -> tuple[str, ...]:
        """Return the names of the inputs."""
        return self.xs


@dataclass(frozen=True)
class FloatLookup(UnaryLayer):
    """An elementwise activation function: `kind` of `activations.ACTIVATIONS`, and a parameter."""

    kind: str
    parameter: float


@dataclass(frozen=True)
class FloatAffine(UnaryLayer):
    """`gain * x + offset` with constants that are not trained."""

    gain: float
    offset: float


@dataclass(frozen=True)
class FloatCopy(UnaryLayer):
    """A strided copy: nested loops (count, stride), outermost first, from index `start`."""

    loops: tuple[tuple[int, int], ...]
    start: int


@dataclass(frozen=True)
class FloatMatMul(Layer):
    """A batched matrix product; the result (heads, N, M) is stored transposed.

    Attributes:
        inner: K, the number of products per sum.
        a_layout: (offset, stride of heads, of M, of K).
        b_layout: (offset, stride of heads, of K, of N).
    """

    a: str
    b: str
    inner: int
    a_layout: tuple[int, ...]
    b_layout: tuple[int, ...]

    def inputs(self) -> tuple[str, ...]:
        """Return the names of both inputs."""
        return (self.a, self.b)


@dataclass(frozen=True)
class FloatSoftmax(UnaryLayer):
    """A softmax of `gain * x` over `count` elements at a distance of `inner`."""

    count: int
    inner: int
    gain: float


@dataclass(frozen=True)
class FloatNormalise(UnaryLayer):
    """Layer normalisation of each token (column); `eps` is added to the variance."""

    eps: float


@dataclass(frozen=True)
class Gates:
    """A linear map to the three gates of a recurrent cell: reset, update, candidate."""

    geometry: Geometry
    weight: Reals
    bias: Reals


@dataclass(frozen=True)
class FloatGru(UnaryLayer):
    """A gated recurrent unit; the result is the state at each time step.

    Attributes:
        input_gates, state_gates: linear maps from the input and from the previous state.
    """

    input_gates: Gates
    state_gates: Gates


@dataclass(frozen=True)
class FloatNetwork:
    """A network in real numbers.

    Attributes:
        input: name of the input.
        input_shape: its shape, as in `ir`.
        layers: in order of execution.
        output: name of the output.
        ranges: calibrated (minimum, maximum) of each value.
        constants: values by name that layers read like activations.
    """

    input: str
    input_shape: Shape
    layers: tuple[Layer, ...]
    output: str
    ranges: dict[str, tuple[float, float]] = field(default_factory=dict)
    constants: dict[str, Reals] = field(default_factory=dict)

    def readers(self, name: str) -> list[Layer]:
        """Return the layers that read a value."""
        return [layer for layer in self.layers if name in layer.inputs()]


CLAMP_FOLDING = FloatConv | FloatAdd | FloatConcat | FloatAffine | FloatMatMul


def fold_clamps(network: FloatNetwork) -> FloatNetwork:
    """Fold each clamp into the previous layer if that has no other reader.

    A max pooling is excluded, as it keeps the scale of its input.
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
