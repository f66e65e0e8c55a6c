"""Operations for time and for sets of tokens, forward and backward; see `ops_forward`.

A series or set of tokens is (features, 1, time). Nothing but `x` and `y` is kept for the backward
pass: gates and statistics are worked out again from them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from kinoloom.tiny.ir.forward_ops import Conv
from kinoloom.tiny.ir.program import Op, input_field, output_field

Layout = tuple[int, ...]
"""(first place, stride of each axis)."""


def _same(counts: Sequence[int], one: Layout, other: Layout) -> bool:
    """Whether two walks over these counts visit the same places in the same order."""
    pairs = zip(counts, one[1:], other[1:], strict=False)
    return one[0] == other[0] and all(a == b for count, a, b in pairs if count > 1)


@dataclass(frozen=True)
class Gru(Op):
    """A gated recurrent unit: y = its state after each step, int8 in 1/128, from a state of zeros.

    r, u = gate(in + state) for the first two thirds of channels, n = tanh(in + r * state) for the
    last; state = n + u * (state - n). Gates and the state that is carried have 15 bits after the
    point; what is multiplied by weights, and kept, is the state in int8.
    Source: Cho et al. 2014, in the form of torch.nn.GRU.

    Attributes:
        of_input, of_state: the maps to the gates, with factors to units of 2**-11; `of_state`
            reads y one step to the left.
    """

    input_gates: Conv
    state_gates: Conv
    x: str = input_field()
    params: tuple[str, ...] = input_field()
    y: str = output_field()

    @property
    def units(self) -> int:
        """How many numbers its state has."""
        return self.state_gates.geometry.cin

    def scratch_bytes(self) -> int:
        """The state that is carried, in float32 that holds integers."""
        return 4 * self.units


@dataclass(frozen=True)
class GruGrad(Op):
    """Back through time: the gradients by the results of both maps, (3 * units, 1, time).

    Attributes:
        forward: the operation whose gates are worked out again.
        scales: name of the float32 constant: scales of the weights of the state, by channel.
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
        """The gradient by the state that is carried back."""
        return 4 * self.forward.units


@dataclass(frozen=True)
class MatMul(Op):
    """Products of int8 by int8: y[h, j, i] = sum over k of a[h, i, k] b[h, k, j].

    A product element by element has one term: h counts what both factors have, i and j what only
    a or only b has.

    Attributes:
        heads, m, n, terms: counts of h, i, j, k.
        a_places: of h, i, k.
        b_places: of h, k, j.
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
        """Over a factor whose elements are read once each, in the order of the results."""
        (a_at, a_h, a_i, _), (b_at, b_h, _, b_j) = self.a_layout, self.b_layout
        counts, results = (self.heads, self.n, self.m), (0, self.n * self.m, self.m, 1)
        over_a = self.n == 1 and _same(counts, (a_at, a_h, 0, a_i), results)
        over_b = self.m == 1 and _same(counts, (b_at, b_h, b_j, 0), results)
        factors = [name for name, fits in ((self.a, over_a), (self.b, over_b)) if fits]
        alone = self.terms == 1 and self.a != self.b
        return tuple((self.y, name) for name in factors) if alone else ()


@dataclass(frozen=True)
class MatMulGrad(Op):
    """The gradient by one factor: y[h, p, q] = scale * sum over r of g[h, p, q, r] x[h, p, q, r].

    Attributes:
        counts: of h, p, q, r.
        g_places, x_places: of h, p, q, r; a stride of 0 where an axis is not one of theirs.
        y_places: of h, p, q.
        size: elements of y; what no place names is zero.
        zero, scale: of the other factor, x.
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
        """Over the gradient where its elements are read once each, in the order of the results."""
        *counts, terms = self.counts
        whole = terms == 1 and self.size == math.prod(counts)
        return ((self.y, self.g),) if whole and _same(counts, self.g_layout, self.y_layout) else ()


@dataclass(frozen=True)
class Softmax(Op):
    """A softmax in units of 1/256, in integers.

    Attributes:
        outer, count, stride: over `count` elements that are `stride` apart.
        gain: the factor of real values before it, which is part of the table.
        powers: name of the constant of 256 uint16: 2**15 exp(-gain * scale * i).
    """

    outer: int
    count: int
    stride: int
    gain: float
    powers: str
    x: str = input_field()
    y: str = output_field()

    def aliases(self) -> tuple[tuple[str, str], ...]:
        """Row by row, so in place."""
        return ((self.y, self.x),)


@dataclass(frozen=True)
class SoftmaxGrad(Op):
    """gain p (g - sum p g) for each row."""

    outer: int
    count: int
    stride: int
    gain: float
    g: str = input_field()
    p: str = input_field()
    y: str = output_field()

    def aliases(self) -> tuple[tuple[str, str], ...]:
        """Row by row, so in place."""
        return ((self.y, self.g),)


@dataclass(frozen=True)
class Normalise(Op):
    """Each token less its mean, divided by its deviation.

    With sums over `count` features of integers, y = (count x - sum) / root / scale of y, where
    root**2 = count * sum of squares - sum**2 + floor.

    Attributes:
        floor: the eps of a layer norm in these units.
        step: 1 / scale of y.
        gain: count / scale of x, for the gradient.
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
    """gain / root * (g - mean of g - h * mean of g h), with h the normalised values."""

    count: int
    tokens: int
    floor: float
    gain: float
    g: str = input_field()
    x: str = input_field()
    y: str = output_field()
