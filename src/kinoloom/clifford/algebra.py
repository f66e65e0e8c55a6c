"""The Clifford algebra Cl(p, q, r) and its products.

Inputs and outputs: multivectors, numpy arrays or torch tensors of shape (..., I). The last axis
holds the I = 2 ** n blades in the order of `Blades`; leading axes broadcast. Tensors keep their
type and device, and every function is differentiable. This module does not import torch.

    cl = Algebra(3)                                  # three generators of square 1
    rotor = cl.exp(cl.embed([-0.3], ["e12"]))        # rotation by 0.6 in the plane e12
    rotated = cl.sandwich(rotor, x)

Sources: Dorst, Fontijne, Mann, "Geometric Algebra for Computer Science" (2007), chapters 2, 3, 6
and 7 (products, contractions, versors); Dorst, "The inner products of geometric algebra" (2002)
(the grades that each product keeps).
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
        p, q, r: numbers of generators; their sum is 1 to 5.

    Raises:
        UsageError: a number is negative, or the sum is out of range.
    """

    def __init__(self, p: int, q: int = 0, r: int = 0) -> None:
        if min(p, q, r) < 0:
            raise UsageError(
                f"Cl({p}, {q}, {r}) has a negative number of generators: expected 0 or more."
            )
        super().__init__((1,) * p + (-1,) * q + (0,) * r)

    @classmethod
    def of(cls, g: Algebra | Sequence[int]) -> Algebra:
        """Return the algebra of a signature.

        Args:
            g: the square of each generator, in any order; an algebra is returned unchanged.

        Raises:
            UsageError: an entry is not 1, -1 or 0, or there are not 1 to 5 of them.
        """
        if isinstance(g, Algebra):
            return g
        algebra = cls.__new__(cls)
        Blades.__init__(algebra, g)
        return algebra

    def __repr__(self) -> str:
        count = self.metric.count
        if self.metric == (1,) * count(1) + (-1,) * count(-1) + (0,) * count(0):
            return f"Algebra({count(1)}, {count(-1)}, {count(0)})"
        return f"Algebra.of({self.metric})"

    # ---- construction and projection ----

    def embed(self, values: Values, blades: Iterable[str] | Iterable[int]) -> Values:
        """Return the multivector with given values at some blades and 0 elsewhere.

        Args:
            values: array, tensor or list of shape (..., n).
            blades: n names, such as "e12", or indices of blades.

        Raises:
            UsageError: a blade is unknown or repeated.
            ArrayError: the numbers of values and blades differ.
        """
        indices = [self._find_blade(blade) for blade in blades]
        names = [self.names[k] for k in indices]
        if len(set(indices)) != len(indices):
            raise UsageError(f"Repeated blade among {names}: expected distinct blades.")
        if isinstance(values, (list, tuple)):
            values = np.asarray(values, np.float64)
        if values.shape[-1] != len(indices):
            raise ArrayError(
                f"Got {values.shape[-1]} values for the {len(indices)} blades {names}: expected "
                "one for each."
            )
        selection = np.zeros((len(indices), self.n_blades), np.int64)
        selection[range(len(indices)), indices] = 1
        return values @ _convert_like(selection, values)

    def grade(self, x: Values, *grades: int) -> Values:
        """Return the projection `<x>_k` onto some grades; other blades are 0.

        Raises:
            UsageError: a grade is not one of this algebra.
        """
        kept = np.isin(np.arange(self.n_blades), self.blades_of_grades(grades)).astype(np.int64)
        return self._scale(x, kept)

    # ---- products ----

    def geometric_product(self, x: Values, y: Values) -> Values:
        """Return the geometric product x y."""
        return self._bilinear(x, y, lambda i, j, k: k >= 0)

    def outer_product(self, x: Values, y: Values) -> Values:
        """Return x ^ y: for grades i and j, the part of grade i + j."""
        return self._bilinear(x, y, lambda i, j, k: k == i + j)

    def left_contraction(self, x: Values, y: Values) -> Values:
        """Return x ⌋ y: for grades i and j, the part of grade j - i."""
        return self._bilinear(x, y, lambda i, j, k: k == j - i)

    def right_contraction(self, x: Values, y: Values) -> Values:
        """Return x ⌊ y: for grades i and j, the part of grade i - j."""
        return self._bilinear(x, y, lambda i, j, k: k == i - j)

    def inner_product(self, x: Values, y: Values) -> Values:
        """Return x • y: for grades i and j, the part of grade |i - j| (the fat dot product)."""
        return self._bilinear(x, y, lambda i, j, k: k == abs(i - j))

    def scalar_product(self, x: Values, y: Values) -> Values:
        """Return the scalar part of x y, shape (...)."""
        return self._bilinear(x, y, lambda i, j, k: k == 0)[..., 0]

    def commutator(self, x: Values, y: Values) -> Values:
        """Return (x y - y x) / 2."""
        return (self.geometric_product(x, y) - self.geometric_product(y, x)) / 2

    # ---- involutions and duals ----

    def reverse(self, x: Values) -> Values:
        """Return ~x, the reverse: grade k times (-1) ** (k (k - 1) / 2)."""
        return self._scale(x, 1 - 2 * (self.grades * (self.grades - 1) // 2 % 2))

    def involute(self, x: Values) -> Values:
        """Return the grade involution: grade k times (-1) ** k."""
        return self._scale(x, 1 - 2 * (self.grades % 2))

    def conjugate(self, x: Values) -> Values:
        """Return the Clifford conjugate: grade k times (-1) ** (k (k + 1) / 2)."""
        return self._scale(x, 1 - 2 * (self.grades * (self.grades + 1) // 2 % 2))

    def dual(self, x: Values) -> Values:
        """Return the dual x ⌋ I^-1, with the pseudoscalar I.

        Raises:
            UsageError: the pseudoscalar squares to 0; `complement` is defined in every algebra.
        """
        return self._contract_with_pseudoscalar(x, self.pseudoscalar_square)

    def undual(self, x: Values) -> Values:
        """Return x ⌋ I, the inverse of `dual`.

        Raises:
            UsageError: see `dual`.
        """
        return self._contract_with_pseudoscalar(x, abs(self.pseudoscalar_square))

    def complement(self, x: Values) -> Values:
        """Return the right complement: each blade b becomes the blade c with b ^ c = I."""
        complements = self.bitmaps[-1] ^ self.bitmaps
        sign = Blades((1,) * self.dim).reordering_sign(self.bitmaps, complements)
        order = self.index_of_bitmap[complements]
        self._check(x)
        return x[..., order] * _convert_like(sign[order], x)

    @property
    def pseudoscalar_square(self) -> int:
        """Square of the pseudoscalar, the blade of all generators: 1, -1 or 0."""
        return int(self.sign[0, -1])

    # ---- norms, versors, exponential ----

    def norm_squared(self, x: Values) -> Values:
        """Return the scalar part of x ~x, shape (...); it can be negative unless q = 0."""
        return self.scalar_product(x, self.reverse(x))

    def norm(self, x: Values) -> Values:
        """Return sqrt(|<x ~x>_0|), shape (...)."""
        return abs(self.norm_squared(x)) ** 0.5

    def inverse(self, versor: Values) -> Values:
        """Return the inverse ~v / (v ~v) of a versor, a product of vectors.

        The argument is not checked: without being a versor it has another inverse, or none. For
        a norm of 0 the result is infinite or NaN.
        """
        return self.reverse(versor) / self.norm_squared(versor)[..., None]

    def sandwich(self, versor: Values, x: Values) -> Values:
        """Return v x ~v, the action of a rotor: an even versor of norm 1."""
        return self.geometric_product(self.geometric_product(versor, x), self.reverse(versor))

    def act(self, versor: Values, x: Values) -> Values:
        """Apply the orthogonal transformation of a versor of any norm: v x v^-1 if v is even.

        An odd versor acts on the grade involution of x. So a vector reflects in the hyperplane
        orthogonal to itself, and the action preserves grades and products.
        """
        odd = self.grades % 2
        odd_size = (self._scale(versor, odd) ** 2).sum(-1)
        is_odd = odd_size > (self._scale(versor, 1 - odd) ** 2).sum(-1)
        flip = _convert_like(odd, x) * 2 * is_odd[..., None]
        left = self.geometric_product(versor, x * (1 - flip))
        return self.geometric_product(left, self.inverse(versor))

    def exp(self, x: Values) -> Values:
        """Return e ** x of any multivector, by scaling and squaring a Taylor series of 18 terms.

        Raises:
            ArrayError: x contains NaN or infinite values.
        """
        self._check(x)
        values = x if isinstance(x, np.ndarray) else x.detach()
        largest = float(abs(values).sum(-1).max()) if math.prod(x.shape) else 0.0
        if not math.isfinite(largest):
            raise ArrayError("The argument of exp contains NaN or infinite values.")
        squarings = min(max(0, math.ceil(math.log2(max(largest, 1e-30))) + 1), _EXP_SQUARINGS)
        scaled = x / 2.0**squarings
        one = _convert_like(np.eye(1, self.n_blades, dtype=np.int64)[0], scaled)
        total = one + 0 * scaled
        for k in range(_EXP_TERMS, 0, -1):
            total = one + self.geometric_product(scaled, total) / k
        for _ in range(squarings):
            total = self.geometric_product(total, total)
        return total

    # ---- helpers ----

    def _find_blade(self, blade: str | int) -> int:
        if isinstance(blade, str) and blade in self.names:
            return self.names.index(blade)
        if not isinstance(blade, str) and 0 <= blade < self.n_blades:
            return int(blade)
        raise UsageError(
            f"Unknown blade {blade!r} of {self}: expected one of {', '.join(self.names)}."
        )

    def _check(self, x: Values) -> None:
        shape = tuple(getattr(x, "shape", ()))
        if not shape or shape[-1] != self.n_blades:
            raise ArrayError(
                f"A multivector of {self} has shape {shape}: expected (..., {self.n_blades}).",
                hint=f"The last axis holds the blades {', '.join(self.names)}.",
            )

    def _scale(self, x: Values, factors: Ints) -> Values:
        self._check(x)
        return x * _convert_like(factors, x)

    def _contract_with_pseudoscalar(self, x: Values, square: int) -> Values:
        if square == 0:
            raise UsageError(
                f"{self} has no dual: its pseudoscalar squares to 0.",
                hint="Use complement(), which is defined in every algebra.",
            )
        unit = np.zeros(self.n_blades, np.int64)
        unit[-1] = square
        return self.left_contraction(x, _convert_like(unit, x))

    def _bilinear(self, x: Values, y: Values, keeps: Callable[..., NDArray[np.bool_]]) -> Values:
        """Return the terms of the geometric product that `keeps` selects by grade."""
        self._check(x)
        self._check(y)
        left, right = self.grades[None, :], self.grades[self.partner]
        sign = self.sign * keeps(left, right, self.grades[:, None])
        return (x[..., None, :] * y[..., self.partner] * _convert_like(sign, x)).sum(-1)


def _convert_like(table: NDArray[Any], like: Values) -> Values:
    """Convert a table of integers to an array or tensor of the type and device of `like`."""
    if isinstance(like, np.ndarray):
        return table.astype(like.dtype)
    return like.new_tensor(table.tolist())
