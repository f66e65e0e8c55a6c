"""Algebra(p, q, r): the Clifford algebra Cl(p, q, r) and its products.

Multivectors are numpy arrays or torch tensors of shape (..., I), the I = 2 ** n blades in the last
axis in the order of `Blades`; leading axes broadcast. Nothing here imports torch; tensors stay
tensors, on their device, of their type, and derivatives pass through every function.

    cl = Algebra(3)                                  # three generators of square 1
    rotor = cl.exp(cl.embed([-0.3], ["e12"]))        # turns by 0.6 in the plane e12
    turned = cl.sandwich(rotor, x)

Sources: Dorst, Fontijne, Mann (2007), chapters 2, 3, 6, 7 (products, contractions, versors);
Dorst, "The inner products of geometric algebra" (2002), for which grades each product keeps.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinoloom.clifford.blades import Blades, Ints
from kinoloom.errors import ArrayError, UsageError

Values = Any
"""A multivector: a numpy array or a torch tensor of shape (..., I)."""

_EXP_TERMS = 18
_EXP_SQUARINGS = 64


class Algebra(Blades):
    """Cl(p, q, r): p generators of square 1, then q of square -1, then r of square 0.

    Args:
        p, q, r: together 1 to 5.

    Raises:
        UsageError: a negative count, no generator, or more than 5.
    """

    def __init__(self, p: int, q: int = 0, r: int = 0) -> None:
        if min(p, q, r) < 0:
            raise UsageError(f"Cl({p}, {q}, {r}) has a negative number of generators.")
        super().__init__((1,) * p + (-1,) * q + (0,) * r)

    @classmethod
    def of(cls, g: Algebra | Sequence[int]) -> Algebra:
        """The algebra of a signature as a list of squares, in any order; an algebra as it is.

        Raises:
            UsageError: an entry other than 1, -1, 0; none, or more than 5.
        """
        if isinstance(g, Algebra):
            return g
        made = cls.__new__(cls)
        Blades.__init__(made, g)
        return made

    def __repr__(self) -> str:
        count = self.metric.count
        if self.metric == (1,) * count(1) + (-1,) * count(-1) + (0,) * count(0):
            return f"Algebra({count(1)}, {count(-1)}, {count(0)})"
        return f"Algebra.of({self.metric})"

    # ---- into and out of multivectors ----

    def embed(self, values: Values, blades: Iterable[str] | Iterable[int]) -> Values:
        """A multivector that has these values at the named blades and 0 elsewhere.

        Args:
            values: (..., n) array, tensor or list.
            blades: n names ("e12") or places in the order of blades.

        Raises:
            UsageError: a name or place that this algebra does not have, or the same one twice.
            ArrayError: not as many values as blades.
        """
        places = [self._place(blade) for blade in blades]
        if len(set(places)) != len(places):
            raise UsageError(f"A blade was named twice among {[self.names[k] for k in places]}.")
        if isinstance(values, (list, tuple)):
            values = np.asarray(values, np.float64)
        if values.shape[-1] != len(places):
            raise ArrayError(
                f"{values.shape[-1]} values were given for the {len(places)} blades "
                f"{[self.names[k] for k in places]}."
            )
        spread = np.zeros((len(places), self.n_blades), np.int64)
        spread[range(len(places)), places] = 1
        return values @ _as(spread, values)

    def grade(self, x: Values, *grades: int) -> Values:
        """The part of these grades, the rest 0: `<x>_k`.

        Raises:
            UsageError: a grade that this algebra does not have.
        """
        kept = np.isin(np.arange(self.n_blades), self.of_grades(grades)).astype(np.int64)
        return self._scaled(x, kept)

    # ---- products ----

    def geometric_product(self, x: Values, y: Values) -> Values:
        """x y."""
        return self._bilinear(x, y, lambda i, j, k: k >= 0)

    def outer_product(self, x: Values, y: Values) -> Values:
        """x ^ y: of grades i and j the part of grade i + j."""
        return self._bilinear(x, y, lambda i, j, k: k == i + j)

    def left_contraction(self, x: Values, y: Values) -> Values:
        """x ⌋ y: of grades i and j the part of grade j - i."""
        return self._bilinear(x, y, lambda i, j, k: k == j - i)

    def right_contraction(self, x: Values, y: Values) -> Values:
        """x ⌊ y: of grades i and j the part of grade i - j."""
        return self._bilinear(x, y, lambda i, j, k: k == i - j)

    def inner_product(self, x: Values, y: Values) -> Values:
        """x • y: of grades i and j the part of grade |i - j| (the fat dot, scalars included)."""
        return self._bilinear(x, y, lambda i, j, k: k == abs(i - j))

    def scalar_product(self, x: Values, y: Values) -> Values:
        """x * y: the scalar part of x y, shape (...)."""
        return self._bilinear(x, y, lambda i, j, k: k == 0)[..., 0]

    def commutator(self, x: Values, y: Values) -> Values:
        """(x y - y x) / 2."""
        return (self.geometric_product(x, y) - self.geometric_product(y, x)) / 2

    # ---- involutions and duals ----

    def reverse(self, x: Values) -> Values:
        """~x: the generators of every blade in reverse order; (-1) ** (k (k - 1) / 2)."""
        return self._scaled(x, 1 - 2 * (self.grades * (self.grades - 1) // 2 % 2))

    def involute(self, x: Values) -> Values:
        """The grade involution: every generator changes sign; (-1) ** k."""
        return self._scaled(x, 1 - 2 * (self.grades % 2))

    def conjugate(self, x: Values) -> Values:
        """The Clifford conjugate: reverse and involute; (-1) ** (k (k + 1) / 2)."""
        return self._scaled(x, 1 - 2 * (self.grades * (self.grades + 1) // 2 % 2))

    def dual(self, x: Values) -> Values:
        """x ⌋ I^-1 with the pseudoscalar I.

        Raises:
            UsageError: the pseudoscalar squares to 0; `complement` works in every algebra.
        """
        return self._by_pseudoscalar(x, self.pseudoscalar_square)

    def undual(self, x: Values) -> Values:
        """x ⌋ I: what undoes `dual`.

        Raises:
            UsageError: as `dual`.
        """
        return self._by_pseudoscalar(x, abs(self.pseudoscalar_square))

    def complement(self, x: Values) -> Values:
        """The right complement: for each blade b the blade c with b ^ c = I; any metric."""
        mirrored = self.bitmaps[-1] ^ self.bitmaps
        sign = Blades((1,) * self.dim).reordering(self.bitmaps, mirrored)
        order = self.position[mirrored]
        self._check(x)
        return x[..., order] * _as(sign[order], x)

    @property
    def pseudoscalar_square(self) -> int:
        """The square of the blade of all generators: 1, -1 or 0."""
        return int(self.sign[0, -1])

    # ---- norms, versors, exponential ----

    def norm_squared(self, x: Values) -> Values:
        """The scalar part of x ~x, shape (...); negative for some x unless q = 0."""
        return self.scalar_product(x, self.reverse(x))

    def norm(self, x: Values) -> Values:
        """sqrt(|<x ~x>_0|), shape (...)."""
        return abs(self.norm_squared(x)) ** 0.5

    def inverse(self, versor: Values) -> Values:
        """The inverse of a versor (a product of vectors): ~v / (v ~v).

        Of something that is not a versor the result is not an inverse, which is not checked; of
        one whose norm is 0 it is infinite or NaN.
        """
        return self.reverse(versor) / self.norm_squared(versor)[..., None]

    def sandwich(self, versor: Values, x: Values) -> Values:
        """v x ~v, the action of a versor of norm 1 and even grade (a rotor)."""
        return self.geometric_product(self.geometric_product(versor, x), self.reverse(versor))

    def act(self, versor: Values, x: Values) -> Values:
        """The orthogonal transformation of a versor of any norm: v x v^-1, the even ones.

        An odd versor acts on the grade involution of x, so that a vector v reflects in the plane
        across itself, and the action keeps grades and products.
        """
        odd = self.grades % 2
        weight = self._scaled(versor, odd) ** 2
        is_odd = weight.sum(-1) > (self._scaled(versor, 1 - odd) ** 2).sum(-1)
        flip = _as(odd, x) * 2 * is_odd[..., None]
        first = self.geometric_product(versor, x * (1 - flip))
        return self.geometric_product(first, self.inverse(versor))

    def exp(self, x: Values) -> Values:
        """e ** x of any multivector, by scaling, a Taylor series of 18 terms, and squaring.

        Raises:
            ArrayError: NaN or infinite values.
        """
        self._check(x)
        values = x if isinstance(x, np.ndarray) else x.detach()
        largest = float(abs(values).sum(-1).max()) if math.prod(x.shape) else 0.0
        if not math.isfinite(largest):
            raise ArrayError("exp was given NaN or infinite values.")
        squarings = min(max(0, math.ceil(math.log2(max(largest, 1e-30))) + 1), _EXP_SQUARINGS)
        scaled = x / 2.0**squarings
        one = _as(np.eye(1, self.n_blades, dtype=np.int64)[0], scaled)
        total = one + 0 * scaled
        for k in range(_EXP_TERMS, 0, -1):
            total = one + self.geometric_product(scaled, total) / k
        for _ in range(squarings):
            total = self.geometric_product(total, total)
        return total

    # ---- how it is done ----

    def _place(self, blade: str | int) -> int:
        if isinstance(blade, str) and blade in self.names:
            return self.names.index(blade)
        if not isinstance(blade, str) and 0 <= blade < self.n_blades:
            return int(blade)
        raise UsageError(f"{self} has no blade {blade!r}.", hint=f"It has {', '.join(self.names)}.")

    def _check(self, x: Values) -> None:
        shape = tuple(getattr(x, "shape", ()))
        if not shape or shape[-1] != self.n_blades:
            raise ArrayError(
                f"A multivector of {self} has shape (..., {self.n_blades}), not {shape}.",
                hint=f"The last axis holds the blades {', '.join(self.names)}.",
            )

    def _scaled(self, x: Values, factors: Ints) -> Values:
        self._check(x)
        return x * _as(factors, x)

    def _by_pseudoscalar(self, x: Values, square: int) -> Values:
        if square == 0:
            raise UsageError(
                f"{self} has no dual: its pseudoscalar squares to 0.",
                hint="Use complement(), which exists in every algebra.",
            )
        unit = np.zeros(self.n_blades, np.int64)
        unit[-1] = square
        return self.left_contraction(x, _as(unit, x))

    def _bilinear(self, x: Values, y: Values, keeps: Callable[..., NDArray[np.bool_]]) -> Values:
        """The terms of the geometric product that `keeps` lets through by grade."""
        self._check(x)
        self._check(y)
        left, right = self.grades[None, :], self.grades[self.partner]
        sign = self.sign * keeps(left, right, self.grades[:, None])
        return (x[..., None, :] * y[..., self.partner] * _as(sign, x)).sum(-1)


def _as(table: NDArray[Any], like: Values) -> Values:
    """A table of whole numbers as an array or tensor of the type and device of `like`."""
    if isinstance(like, np.ndarray):
        return table.astype(like.dtype)
    return like.new_tensor(table.tolist())
