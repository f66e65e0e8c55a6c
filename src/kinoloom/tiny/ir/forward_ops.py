"""Operations of the forward pass.

Every operation that makes int8 works out an integer, requantises it (`arithmetic.requantise`), adds
the zero point and clamps to `low..high`; the clamp is the activation function where there is one.
Where the backward pass needs it, `mask` gets one bit an element: not clamped.
"""

from __future__ import annotations

from dataclasses import dataclass

from kinoloom.tiny.ir.program import Geometry, Op, Weights, input_field, output_field


@dataclass(frozen=True)
class Conv(Op):
    """A convolution or linear layer: int8 to int8, or to float32 where `factors` is set.

    Attributes:
        layer: the name of the layer, for schemes and reports.
        bias: name of an int32 constant, or of the param that `trained_bias` names as well.
        multipliers, shifts: names of the int32 and uint8 constants of requantisation, by channel.
        factors: name of the float32 constant that turns sums into reals, by channel, or "".
    """

    layer: str
    geometry: Geometry
    weights: Weights
    bias: str
    x_zero: int
    y_zero: int
    low: int
    high: int
    multipliers: str
    shifts: str
    factors: str
    x: str = input_field()
    params: tuple[str, ...] = input_field()
    y: str = output_field()
    mask: str = output_field()


@dataclass(frozen=True)
class Add(Op):
    """The sum of two int8 tensors: (a_mult (a - a_zero) + b_mult (b - b_zero)) / 2**shift."""

    a_zero: int
    b_zero: int
    y_zero: int
    a_mult: int
    b_mult: int
    shift: int
    low: int
    high: int
    a: str = input_field()
    b: str = input_field()
    y: str = output_field()
    mask: str = output_field()

    def aliases(self) -> tuple[tuple[str, str], ...]:
        """The sum may lie over either term."""
        return ((self.y, self.a), (self.y, self.b))


@dataclass(frozen=True)
class Rescale(Op):
    """int8 to int8 of another scale or range: an activation function that stands alone.

    `gain` is the factor of real values, which is part of the multiplier; a term that is added to
    them is part of `y_zero`.
    """

    gain: float
    x_zero: int
    y_zero: int
    multiplier: int
    shift: int
    low: int
    high: int
    count: int
    x: str = input_field()
    y: str = output_field()
    mask: str = output_field()

    def aliases(self) -> tuple[tuple[str, str], ...]:
        """Element by element, so in place."""
        return ((self.y, self.x),)


@dataclass(frozen=True)
class Lookup(Op):
    """int8 to int8 by a table, for x from -128 up.

    Attributes:
        table: name of the constant, 256 int8.
        slopes: name of the constant of 256 float32: the slopes of real values, for training.
    """

    table: str
    slopes: str
    count: int
    x: str = input_field()
    y: str = output_field()

    def aliases(self) -> tuple[tuple[str, str], ...]:
        """Element by element, so in place."""
        return ((self.y, self.x),)


@dataclass(frozen=True)
class Copy(Op):
    """int8 elements in another order, or some of them: nested loops, four of them.

    Attributes:
        counts, strides: of each loop over places in x, the outermost first.
        start: the first place.
    """

    counts: tuple[int, ...]
    strides: tuple[int, ...]
    start: int
    x: str = input_field()
    y: str = output_field()


@dataclass(frozen=True)
class Concat(Op):
    """int8 tensors one after the other, each brought to the scale of the result.

    Attributes:
        x_zeros, multipliers, shifts, counts: for each part.
    """

    x_zeros: tuple[int, ...]
    multipliers: tuple[int, ...]
    shifts: tuple[int, ...]
    counts: tuple[int, ...]
    y_zero: int
    low: int
    high: int
    xs: tuple[str, ...] = input_field()
    y: str = output_field()
    mask: str = output_field()


@dataclass(frozen=True)
class AveragePool(Op):
    """The mean over windows, of a fixed divisor; the divisor is part of the multiplier.

    `divisor` is what the multiplier divides by; the backward pass uses it.
    """

    geometry: Geometry
    divisor: int
    x_zero: int
    y_zero: int
    multiplier: int
    shift: int
    low: int
    high: int
    x: str = input_field()
    y: str = output_field()
    mask: str = output_field()


@dataclass(frozen=True)
class MaxPool(Op):
    """The largest of each window; `index` gets which one in row-major order, the first wins."""

    geometry: Geometry
    x: str = input_field()
    y: str = output_field()
    index: str = output_field()


@dataclass(frozen=True)
class Dequantise(Op):
    """int8 to float32: `scale * (x - zero)`."""

    zero: int
    scale: float
    count: int
    x: str = input_field()
    y: str = output_field()


@dataclass(frozen=True)
class SoftmaxLoss(Op):
    """Softmax cross-entropy of float32 logits, and its gradient by them."""

    count: int
    logits: str = input_field()
    label: str = input_field()
    loss: str = output_field()
    gradient: str = output_field()

    def aliases(self) -> tuple[tuple[str, str], ...]:
        """The gradient may take the place of the logits."""
        return ((self.gradient, self.logits),) if self.gradient else ()


@dataclass(frozen=True)
class MseLoss(Op):
    """The mean squared error of float32 outputs, and its gradient by them."""

    count: int
    predictions: str = input_field()
    label: str = input_field()
    loss: str = output_field()
    gradient: str = output_field()

    def aliases(self) -> tuple[tuple[str, str], ...]:
        """The gradient may take the place of the outputs."""
        return ((self.gradient, self.predictions),) if self.gradient else ()
