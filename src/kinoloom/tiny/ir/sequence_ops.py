"""Operations on time series and token sequences, forward and backward; see `forward_ops`.

Sequences are (features, 1, time). The backward pass recomputes gates and statistics from `x` and
`y`; nothing else is stored.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from kinoloom.tiny.ir.forward_ops import Conv
from kinoloom.tiny.ir.program import Op, input_field, output_field

Layout = tuple[int, ...]
"""(offset of the first element, stride of each axis)."""


def _visit_same_elements(counts: Sequence[int], one: Layout, other: Layout) -> bool:
    """Return whether two layouts visit the same elements in the same order."""
    pairs = zip(counts, one[1:], other[1:], strict=False)
    return one[0] == other[0] and all(a == b for count, a, b in pairs if count > 1)


@dataclass(frozen=True)
class Gru(Op):
    """A gated recurrent unit with a zero initial state; y is the state at each step, int8 in 1/128.

    Reset and update gates r, u = sigmoid(input + state) are the first two thirds of the gate
    channels, the candidate n = tanh(input + r * state) the last third;
    state = n + u * (state - n). Gates and the carried state have 15 fractional bits; the state that
    is stored and multiplied by weights is int8.
    Source: Cho et al. 2014, in the form of torch.nn.GRU.

    Attributes:
        input_gates: linear map from the input to the gates, in units of 2**-11.
        state_gates: linear map from the previous state (y shifted by one step) to the gates.
    """

    input_gates: Conv
    state_gates: Conv
    x: str = input_field()
    params: tuple[str, ...] = input_field()
    y: str = output_field()

    @property
    def units(self) -> int:
        """Size of the hidden state."""
        return self.state_gates.geometry.cin

    def scratch_bytes(self) -> int:
        """Return the bytes of the carried state, integers stored as float32."""
        return 4 * self.units


@dataclass(frozen=True)
class GruGrad(Op):
    """Backpropagation through time of `Gru`.

    Attributes:
        forward: the operation whose gates are recomputed.
        scales: name of the float32 constant of the scales of the state weights, per channel.
        input_gates, state_gates: gradients of the results of both maps, (3 * units, 1, time).
    """

    forward: Gru
    scales: str
    g: str = input_field()
    x: str = input_field()
    state: str = input_field()
    params: tuple[str, ...] = input_field()
    input_gates: str = output_field()
    state_gates: str = output_field()

    def scratch_bytes(self) -> int:
        """Return the bytes of the carried gradient of the state."""
        return 4 * self.forward.units


@dataclass(frozen=True)
class MatMul(Op):
    """A batched matrix product of int8 factors: y[h, j, i] = sum over k of a[h, i, k] b[h, k, j].

    An elementwise product has one term: h runs over the axes of both factors, i and j over those
    along which the other factor is broadcast.

    Attributes:
        heads, m, n, terms: sizes of h, i, j, k.
        a_layout: of h, i, k.
        b_layout: of h, k, j.
    """

    heads: int
    m: int
    n: int
    terms: int
    a_layout: Layout
    b_layout: Layout
    a_zero: int
    b_zero: int
    y_zero: int
    multiplier: int
    shift: int
    low: int
    high: int
    a: str = input_field()
    b: str = input_field()
    y: str = output_field()
    mask: str = output_field()

    def aliases(self) -> tuple[tuple[str, str], ...]:
        """Return the result paired with each factor that is read once, in the order of writing."""
        (a_at, a_h, a_i, _), (b_at, b_h, _, b_j) = self.a_layout, self.b_layout
        counts, results = (self.heads, self.n, self.m), (0, self.n * self.m, self.m, 1)
        over_a = self.n == 1 and _visit_same_elements(counts, (a_at, a_h, 0, a_i), results)
        over_b = self.m == 1 and _visit_same_elements(counts, (b_at, b_h, b_j, 0), results)
        factors = [name for name, fits in ((self.a, over_a), (self.b, over_b)) if fits]
        alone = self.terms == 1 and self.a != self.b
        return tuple((self.y, name) for name in factors) if alone else ()


@dataclass(frozen=True)
class MatMulGrad(Op):
    """Gradient of one factor: y[h, p, q] = scale * sum over r of g[h, p, q, r] x[h, p, q, r].

    Attributes:
        counts: sizes of h, p, q, r.
        g_layout, x_layout: of h, p, q, r; the stride of an axis that they lack is 0.
        y_layout: of h, p, q.
        size: number of elements of y; those outside the layout are zero.
        zero, scale: quantisation of the other factor, x.
    """

    counts: Layout
    g_layout: Layout
    x_layout: Layout
    y_layout: Layout
    size: int
    zero: int
    scale: float
    g: str = input_field()
    x: str = input_field()
    y: str = output_field()

    def aliases(self) -> tuple[tuple[str, str], ...]:
        """Return the result paired with g, if g is read once and in the order of writing."""
        *counts, terms = self.counts
        whole = terms == 1 and self.size == math.prod(counts)
        return (
            ((self.y, self.g),)
            if whole and _visit_same_elements(counts, self.g_layout, self.y_layout)
            else ()
        )


@dataclass(frozen=True)
class Softmax(Op):
    """An integer softmax with a result in units of 1/256.

    Attributes:
        outer: number of slices.
        count: number of elements of a row.
        stride: distance of the elements of a row.
        gain: factor of the real values before the softmax, included in the table.
        powers: name of the constant of 256 uint16 values, 2**15 exp(-gain * scale * i).
    """

    outer: int
    count: int
    stride: int
    gain: float
    powers: str
    x: str = input_field()
    y: str = output_field()

    def aliases(self) -> tuple[tuple[str, str], ...]:
        """Return the result paired with the input: rows are independent."""
        return ((self.y, self.x),)


@dataclass(frozen=True)
class SoftmaxGrad(Op):
    """Gradient of a softmax: gain p (g - sum p g) for each row."""

    outer: int
    count: int
    stride: int
    gain: float
    g: str = input_field()
    p: str = input_field()
    y: str = output_field()

    def aliases(self) -> tuple[tuple[str, str], ...]:
        """Return the result paired with the input: rows are independent."""
        return ((self.y, self.g),)


@dataclass(frozen=True)
class Normalise(Op):
    """Layer normalisation of each token, without affine parameters.

    With integer sums over `count` features, y = (count x - sum) / root / s_y, where
    root**2 = count * sum of squares - sum**2 + floor.

    Attributes:
        floor: eps of the layer norm in these units.
        step: 1 / s_y.
        gain: count / s_x, for the gradient.
    """

    count: int
    tokens: int
    floor: float
    step: float
    gain: float
    y_zero: int
    low: int
    high: int
    x: str = input_field()
    y: str = output_field()
    mask: str = output_field()


@dataclass(frozen=True)
class NormaliseGrad(Op):
    """Gradient of `Normalise`: gain / root * (g - mean(g) - h * mean(g h)) for normalised h."""

    count: int
    tokens: int
    floor: float
    gain: float
    g: str = input_field()
    x: str = input_field()
    y: str = output_field()
