"""Operations of the forward pass.

Operations with an int8 result compute an integer, requantise it (`arithmetic.requantise`), add the
zero point and clamp to `low..high`; the clamp implements ReLU and its variants. In training, `mask`
receives one bit per element: set where the value was not clamped.
"""

from __future__ import annotations

from dataclasses import dataclass

from kinoloom.tiny.ir.program import Geometry, Op, Weights, input_field, output_field


@dataclass(frozen=True)
class Conv(Op):
    """A convolution or linear layer: int8 to int8, or to float32 if `factors` is set.

    Attributes:
        layer: name of the layer in schemes and reports.
        bias: name of the int32 constant, or of the param if the bias is trained.
        multipliers, shifts: names of the requantisation constants (int32 and uint8, per channel).
        factors: name of the float32 constant that dequantises the sums (per channel), or "".
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
    """Sum of two int8 tensors: (a_mult (a - a_zero) + b_mult (b - b_zero)) / 2**shift."""

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
        """Return the sum paired with either term."""
        return ((self.y, self.a), (self.y, self.b))


@dataclass(frozen=True)
class Rescale(Op):
    """Requantisation of int8 to another scale or range, such as a clamp that is not fused.

    Attributes:
        gain: factor of the real values, included in the multiplier; an offset is included in
            `y_zero`.
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
        """Return the result paired with the input."""
        return ((self.y, self.x),)


@dataclass(frozen=True)
class Lookup(Op):
    """An elementwise activation function as a lookup table indexed by x + 128.

    Attributes:
        table: name of the constant of 256 int8 values.
        slopes: name of the constant of 256 float32 derivatives, for training.
    """

    table: str
    slopes: str
    count: int
    x: str = input_field()
    y: str = output_field()

    def aliases(self) -> tuple[tuple[str, str], ...]:
        """Return the result paired with the input."""
        return ((self.y, self.x),)


@dataclass(frozen=True)
class Copy(Op):
    """A strided copy of int8 elements: four nested loops over x.

    Attributes:
        counts, strides: of each loop, outermost first.
        start: index of the first element.
    """

    counts: tuple[int, ...]
    strides: tuple[int, ...]
    start: int
    x: str = input_field()
    y: str = output_field()


@dataclass(frozen=True)
class Concat(Op):
    """Concatenation of int8 tensors, each requantised to the scale of the result.

    Attributes:
        x_zeros, multipliers, shifts, counts: of each input.
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
    """Average pooling with a fixed divisor.

    Attributes:
        divisor: included in the multiplier; used by the backward pass.
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
    """Max pooling.

    Attributes:
        index: receives the row-major index of the maximum within its window, the first on a tie.
    """

    geometry: Geometry
    x: str = input_field()
    y: str = output_field()
    index: str = output_field()


@dataclass(frozen=True)
class Dequantise(Op):
    """Dequantisation of int8 to float32: `scale * (x - zero)`."""

    zero: int
    scale: float
    count: int
    x: str = input_field()
    y: str = output_field()


@dataclass(frozen=True)
class SoftmaxLoss(Op):
    """Softmax cross-entropy of float32 logits, and its gradient."""

    count: int
    logits: str = input_field()
    label: str = input_field()
    loss: str = output_field()
    gradient: str = output_field()

    def aliases(self) -> tuple[tuple[str, str], ...]:
        """Return the gradient paired with the logits."""
        return ((self.gradient, self.logits),) if self.gradient else ()


@dataclass(frozen=True)
class MseLoss(Op):
    """Mean squared error of float32 predictions, and its gradient."""

    count: int
    predictions: str = input_field()
    label: str = input_field()
    loss: str = output_field()
    gradient: str = output_field()

    def aliases(self) -> tuple[tuple[str, str], ...]:
        """Return the gradient paired with the predictions."""
        return ((self.gradient, self.predictions),) if self.gradient else ()
