"""Operations of the backward pass and of the updates. Gradients are float32, dL/d(real value)."""

from __future__ import annotations

from dataclasses import dataclass

from kinoloom.tiny.ir.program import Geometry, Op, Weights, input_field, output_field


@dataclass(frozen=True)
class MaskGrad(Op):
    """The gradient before a clamp: `g` where the mask has a one, else 0."""

    count: int
    g: str = input_field()
    mask: str = input_field()
    y: str = output_field()

    def aliases(self) -> tuple[tuple[str, str], ...]:
        """In place."""
        return ((self.y, self.g),)


@dataclass(frozen=True)
class ConvGradX(Op):
    """The gradient by a convolution's input: sums over output channel, then window, ascending.

    Attributes:
        scales: name of the float32 constant: scales of the weights, by output channel.
        onto: a gradient by the same input that is known already, from which the sums begin, or "".
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
        """In place, if it is added to another gradient."""
        return ((self.y, self.onto),) if self.onto else ()


@dataclass(frozen=True)
class WeightGrad(Op):
    """The gradient by the kept weights, as a tensor: sums over pixels, row by row.

    It is dL/d(real weight) / s_x: the scale of the input is part of the update's factor.
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
    """The gradient by a bias, as a tensor: sums over pixels, row by row."""

    layer: str
    channels: int
    pixels: int
    g: str = input_field()
    y: str = output_field()


@dataclass(frozen=True)
class Step(Op):
    """An update of a param by a gradient tensor: p -= lr * factor * gradient, rounded, saturated.

    Attributes:
        factors: name of the float32 constant, by output channel.
        rows: for grouped convolutions, the output channels that the gradient holds; else all.
        stream: which stream of random numbers it takes.
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
    """`WeightGrad` and `Step` in one: each weight is changed as soon as its gradient is known."""

    grad: WeightGrad
    step: Step
    g: str = input_field()
    x: str = input_field()

    @property
    def layer(self) -> str:
        """Whose weights they are."""
        return self.step.layer


@dataclass(frozen=True)
class BiasStep(Op):
    """`BiasGrad` and `Step` in one."""

    grad: BiasGrad
    step: Step
    g: str = input_field()

    @property
    def layer(self) -> str:
        """Whose bias it is."""
        return self.step.layer


@dataclass(frozen=True)
class Accumulate(Op):
    """The sum of two gradients of one tensor."""

    count: int
    a: str = input_field()
    b: str = input_field()
    y: str = output_field()

    def aliases(self) -> tuple[tuple[str, str], ...]:
        """In place, over either."""
        return ((self.y, self.a), (self.y, self.b))


@dataclass(frozen=True)
class AveragePoolGrad(Op):
    """Each output's gradient, divided, spread over its window."""

    geometry: Geometry
    divisor: int
    g: str = input_field()
    y: str = output_field()


@dataclass(frozen=True)
class MaxPoolGrad(Op):
    """Each output's gradient goes to the element that was the largest."""

    geometry: Geometry
    g: str = input_field()
    index: str = input_field()
    y: str = output_field()


@dataclass(frozen=True)
class SliceGrad(Op):
    """The part of a gradient that belongs to one part of a concatenation."""

    offset: int
    count: int
    g: str = input_field()
    y: str = output_field()


@dataclass(frozen=True)
class ScaleGrad(Op):
    """The gradient times a constant."""

    count: int
    gain: float
    g: str = input_field()
    y: str = output_field()

    def aliases(self) -> tuple[tuple[str, str], ...]:
        """In place."""
        return ((self.y, self.g),)


@dataclass(frozen=True)
class LookupGrad(Op):
    """The gradient times the slope at each element."""

    slopes: str
    count: int
    g: str = input_field()
    x: str = input_field()
    y: str = output_field()

    def aliases(self) -> tuple[tuple[str, str], ...]:
        """In place."""
        return ((self.y, self.g),)


@dataclass(frozen=True)
class CopyGrad(Op):
    """Each gradient goes back to the place that its element came from; the rest is zero."""

    counts: tuple[int, ...]
    strides: tuple[int, ...]
    start: int
    size: int
    g: str = input_field()
    y: str = output_field()


@dataclass(frozen=True)
class GradStream(Op):
    """Gradients through a chain of convolutions, one channel between them at a time.

    The first of `ops` is the gradient by the input of a dense convolution; then come masks, updates
    and gradients of depthwise ones, and those of the dense convolution that the chain ends with.
    What is between exists as one plane at a time, in two buffers that take turns. If there is a
    `source`, the gradient that the first reads never exists whole either, and `ops` may be nothing
    but updates by it.

    Attributes:
        source: the gradient of an average, and a mask, which are worked out plane by plane whenever
            a plane of their result is read; or nothing.
        ops: in order, as they would stand alone.
        plane: elements of a plane of the source, or 0.
        planes: elements of a plane between, after the first and after each depthwise convolution.
        g, onto, others: what they read from the outside: the gradient; the one that the last of the
            chain is added to, or ""; masks, inputs, params.
        ys: what they write to the outside: the gradient by the chain's input, if it is needed.
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
        """The operations, those of the source first."""
        return (*self.source, *self.ops)

    def aliases(self) -> tuple[tuple[str, str], ...]:
        """In place, if it is added to another gradient."""
        return ((self.ys[0], self.onto),) if self.onto else ()

    def buffers(self) -> tuple[int, int, int]:
        """Bytes of the plane of the source, and of the two that take turns."""
        even, odd = (max(self.planes[i::2], default=0) for i in (0, 1))
        return 4 * self.plane, 4 * even, 4 * odd

    def scratch_bytes(self) -> int:
        """Bytes of all three."""
        return sum(self.buffers())
