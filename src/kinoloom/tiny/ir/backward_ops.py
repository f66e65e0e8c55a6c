"""Operations of the backward pass and of updates. Gradients are float32, dL/d(real value)."""

from __future__ import annotations

from dataclasses import dataclass

from kinoloom.tiny.ir.program import Geometry, Op, Weights, input_field, output_field


@dataclass(frozen=True)
class MaskGrad(Op):
    """Gradient of a clamp: `g` where the mask bit is set, else 0."""

    count: int
    g: str = input_field()
    mask: str = input_field()
    y: str = output_field()

    def aliases(self) -> tuple[tuple[str, str], ...]:
        """Return the result paired with the gradient that is read."""
        return ((self.y, self.g),)


@dataclass(frozen=True)
class ConvGradX(Op):
    """Gradient of a convolution with respect to its input.

    Sums run over output channels, then over the window, in ascending order.

    Attributes:
        scales: name of the float32 constant of weight scales, per output channel.
        onto: another gradient of the same input, to which this one is added, or "".
    """

    layer: str
    geometry: Geometry
    weights: Weights
    scales: str
    g: str = input_field()
    params: tuple[str, ...] = input_field()
    onto: str = input_field()
    y: str = output_field()

    def aliases(self) -> tuple[tuple[str, str], ...]:
        """Return the result paired with `onto`, if set."""
        return ((self.y, self.onto),) if self.onto else ()


@dataclass(frozen=True)
class WeightGrad(Op):
    """Gradient of a convolution with respect to its trained weights: sums over pixels, row by row.

    The value is dL/d(real weight) / s_x; the factor of the update includes the input scale s_x.
    """

    layer: str
    geometry: Geometry
    updated: tuple[int, ...]
    x_zero: int
    g: str = input_field()
    x: str = input_field()
    y: str = output_field()


@dataclass(frozen=True)
class BiasGrad(Op):
    """Gradient of a convolution with respect to its bias: sums over pixels, row by row."""

    layer: str
    channels: int
    pixels: int
    g: str = input_field()
    y: str = output_field()


@dataclass(frozen=True)
class Step(Op):
    """An SGD update of a param: p -= lr * factor * gradient, rounded and saturated.

    Attributes:
        param: name of the trained tensor.
        residual: name of the int16 residual of the weights, or "" for stochastic rounding.
        factors: name of the float32 constant of factors, per output channel.
        rows: output channels of the gradient, for a grouped convolution; () for all.
        row: number of elements per output channel.
        stream: number of the random stream for stochastic rounding.
    """

    layer: str
    param: str
    residual: str
    factors: str
    rows: tuple[int, ...]
    row: int
    stream: int
    is_bias: bool
    g: str = input_field()


@dataclass(frozen=True)
class WeightStep(Op):
    """`WeightGrad` fused with `Step`: each weight is updated as soon as its gradient is known."""

    grad: WeightGrad
    step: Step
    g: str = input_field()
    x: str = input_field()

    @property
    def layer(self) -> str:
        """Name of the layer."""
        return self.step.layer


@dataclass(frozen=True)
class BiasStep(Op):
    """`BiasGrad` fused with `Step`."""

    grad: BiasGrad
    step: Step
    g: str = input_field()

    @property
    def layer(self) -> str:
        """Name of the layer."""
        return self.step.layer


@dataclass(frozen=True)
class Accumulate(Op):
    """Sum of two gradients of the same tensor."""

    count: int
    a: str = input_field()
    b: str = input_field()
    y: str = output_field()

    def aliases(self) -> tuple[tuple[str, str], ...]:
        """Return the sum paired with either term."""
        return ((self.y, self.a), (self.y, self.b))


@dataclass(frozen=True)
class AveragePoolGrad(Op):
    """Gradient of average pooling: each output gradient / divisor, added over its window."""

    geometry: Geometry
    divisor: int
    g: str = input_field()
    y: str = output_field()


@dataclass(frozen=True)
class MaxPoolGrad(Op):
    """Gradient of max pooling: each output gradient is added to the maximum of its window."""

    geometry: Geometry
    g: str = input_field()
    index: str = input_field()
    y: str = output_field()


@dataclass(frozen=True)
class SliceGrad(Op):
    """Gradient of one input of a concatenation: a slice of the gradient of the result."""

    offset: int
    count: int
    g: str = input_field()
    y: str = output_field()


@dataclass(frozen=True)
class ScaleGrad(Op):
    """Gradient of a multiplication by a constant."""

    count: int
    gain: float
    g: str = input_field()
    y: str = output_field()

    def aliases(self) -> tuple[tuple[str, str], ...]:
        """Return the result paired with the gradient that is read."""
        return ((self.y, self.g),)


@dataclass(frozen=True)
class LookupGrad(Op):
    """Gradient of a lookup table: the gradient times the derivative at each element."""

    slopes: str
    count: int
    g: str = input_field()
    x: str = input_field()
    y: str = output_field()

    def aliases(self) -> tuple[tuple[str, str], ...]:
        """Return the result paired with the gradient that is read."""
        return ((self.y, self.g),)


@dataclass(frozen=True)
class CopyGrad(Op):
    """Gradient of a strided copy: a scatter-add to an array of zeros."""

    counts: tuple[int, ...]
    strides: tuple[int, ...]
    start: int
    size: int
    g: str = input_field()
    y: str = output_field()


@dataclass(frozen=True)
class GradStream(Op):
    """The backward pass through a chain of convolutions, computed channel by channel.

    The first of `ops` is the input gradient of a dense convolution. Masks, updates and gradients of
    depthwise convolutions follow, then those of the dense convolution at the start of the chain.
    One plane of each intermediate gradient exists at a time, in two alternating buffers. With a
    `source`, the gradient that the first operation reads is also computed plane by plane, and `ops`
    may consist of updates only.

    Attributes:
        source: the gradient of an average pooling and optionally its mask, recomputed for each
            plane that is read; or ().
        ops: the fused operations, in the order of unfused execution.
        plane: elements of a plane of the source; 0 without a source.
        planes: elements of the intermediate planes, after the first and after each depthwise
            convolution.
        g: the gradient that is read.
        onto: the gradient to which the last operation adds, or "".
        others: other tensors that are read: masks, activations and params.
        ys: the gradient of the input of the chain, if needed.
    """

    source: tuple[Op, ...]
    ops: tuple[Op, ...]
    plane: int
    planes: tuple[int, ...]
    g: str = input_field()
    onto: str = input_field()
    others: tuple[str, ...] = input_field()
    ys: tuple[str, ...] = output_field()

    def fused_ops(self) -> tuple[Op, ...]:
        """Return the operations, those of the source first."""
        return (*self.source, *self.ops)

    def aliases(self) -> tuple[tuple[str, str], ...]:
        """Return the result paired with `onto`, if set."""
        return ((self.ys[0], self.onto),) if self.onto else ()

    def buffers(self) -> tuple[int, int, int]:
        """Return the bytes of the source plane and of the two alternating buffers."""
        even, odd = (max(self.planes[i::2], default=0) for i in (0, 1))
        return 4 * self.plane, 4 * even, 4 * odd

    def scratch_bytes(self) -> int:
        """Return the total size of the three buffers in bytes."""
        return sum(self.buffers())
