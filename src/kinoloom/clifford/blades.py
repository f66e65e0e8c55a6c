"""Blades of a Clifford algebra and their multiplication table, computed with bitmaps.

A blade is a product of distinct generators, such as e1 e3, and is represented by a bitmap (0b101).
The product of two blades is the blade of the exclusive or of their bitmaps, times a sign: one minus
for each swap that sorts the generators, and the square of each shared generator. Each pair of
blades contributes at most one term, so two small arrays hold the whole table.

Conventions: blades are ordered by grade, then by generators: 1, e1, e2, e3, e12, e13, e23, e123.
metric[i] is the square of generator i + 1: 1, -1 or 0. I is the number of blades.

Source: Dorst, Fontijne, Mann, "Geometric Algebra for Computer Science" (2007), chapter 19
(bitmaps and canonical reordering sign).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from kinoloom.errors import ArrayError, UsageError

MAX_GENERATORS = 5
Ints = NDArray[np.int64]
_ONES = np.array([b.bit_count() for b in range(1 << MAX_GENERATORS)], np.int64)


class Blades:
    """Blades of one algebra: their order, grades and multiplication table.

    Args:
        metric: the square of each generator, 1 to 5 entries out of 1, -1 and 0.

    Raises:
        UsageError: the number of generators or a square is not allowed.
    """

    def __init__(self, metric: Sequence[int]) -> None:
        squares = tuple(metric)
        if not 1 <= len(squares) <= MAX_GENERATORS:
            raise UsageError(
                f"The signature {list(squares)} has {len(squares)} generators: "
                f"expected 1 to {MAX_GENERATORS}."
            )
        if any(square not in (-1, 0, 1) for square in squares):
            raise UsageError(f"Invalid signature {list(squares)}: each entry must be 1, -1 or 0.")
        self.metric: tuple[int, ...] = tuple(int(square) for square in squares)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Blades) and other.metric == self.metric

    def __hash__(self) -> int:
        return hash(self.metric)

    @property
    def dim(self) -> int:
        """Number of generators."""
        return len(self.metric)

    @property
    def n_blades(self) -> int:
        """Number of blades, 2 ** dim."""
        return 1 << self.dim

    @cached_property
    def bitmaps(self) -> Ints:
        """Bitmap of each blade, (I,); bit i is generator i + 1."""
        every = range(self.dim)
        sets = [c for grade in range(self.dim + 1) for c in combinations(every, grade)]
        return np.array([sum(1 << i for i in members) for members in sets], np.int64)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Name of each blade, such as "1", "e1" or "e12"."""
        digits = ("".join(str(i + 1) for i in self.generators(b)) for b in self.bitmaps)
        return tuple(f"e{d}" if d else "1" for d in digits)

    @cached_property
    def grades(self) -> Ints:
        """Grade of each blade, its number of generators, (I,)."""
        return np.array([int(b).bit_count() for b in self.bitmaps], np.int64)

    @cached_property
    def index_of_bitmap(self) -> Ints:
        """Index of the blade of each bitmap, (I,); the inverse of `bitmaps`."""
        return np.argsort(self.bitmaps)

    @cached_property
    def partner(self) -> Ints:
        """Right factors, (I, I): blade j times blade partner[k, j] is blade k, up to sign."""
        needed: Ints = self.index_of_bitmap[self.bitmaps[:, None] ^ self.bitmaps[None, :]]
        return needed

    @cached_property
    def sign(self) -> Ints:
        """Signs of products, (I, I): e_j e_l = sign[k, j] e_k with l = partner[k, j]."""
        return self.reordering_sign(self.bitmaps[None, :], self.bitmaps[self.partner])

    @cached_property
    def terms(self) -> Ints:
        """Nonzero products e_i e_j = sign e_k as rows (i, j, k, sign), (T, 4)."""
        out, left = np.nonzero(self.sign)
        return np.stack([left, self.partner[out, left], out, self.sign[out, left]], axis=1)

    def generators(self, bitmap: int) -> tuple[int, ...]:
        """Return the generators of a bitmap, counted from 0, ascending."""
        return tuple(i for i in range(self.dim) if int(bitmap) >> i & 1)

    def reordering_sign(self, left: Ints, right: Ints) -> Ints:
        """Return the factor of the blade `left ^ right` in the product of bitmaps (broadcast)."""
        swaps = np.zeros(np.broadcast_shapes(left.shape, right.shape), np.int64)
        for shift in range(1, self.dim):
            swaps += _ONES[left >> shift & right]
        factor = 1 - 2 * (swaps & 1)
        for generator, square in enumerate(self.metric):
            shared = (left & right) >> generator & 1
            factor = np.where(shared == 1, factor * square, factor)
        return factor

    def blades_of_grades(self, grades: Iterable[int] | None) -> tuple[int, ...]:
        """Return the indices of all blades of some grades, ascending; of all blades for None.

        Raises:
            UsageError: there are no grades, or one is not a grade of this algebra.
        """
        if grades is None:
            return tuple(range(self.n_blades))
        wanted = set(grades)
        if not wanted or not wanted <= set(range(self.dim + 1)):
            raise UsageError(
                f"Invalid grades {sorted(wanted)} of {self}: expected some of the grades 0 to "
                f"{self.dim}."
            )
        return tuple(int(i) for i in np.flatnonzero(np.isin(self.grades, sorted(wanted))))

    def outermorphism(self, matrix: NDArray[np.float64]) -> NDArray[np.float64]:
        """Extend a linear map f of vectors to multivectors: e12 is mapped to f(e1) ^ f(e2).

        Args:
            matrix: (dim, dim); column i is the image of generator i.

        Returns:
            (I, I), acting on columns of blade coefficients; its entries are minors of `matrix`.

        Raises:
            ArrayError: `matrix` has another shape.
        """
        matrix = np.asarray(matrix, np.float64)
        if matrix.shape != (self.dim, self.dim):
            raise ArrayError(
                f"A linear map of vectors of {self} has shape {matrix.shape}: expected "
                f"{(self.dim, self.dim)}."
            )
        full = np.zeros((self.n_blades, self.n_blades))
        members = [self.generators(b) for b in self.bitmaps]
        for k, rows in enumerate(members):
            for j, columns in enumerate(members):
                if len(rows) == len(columns):
                    minor = matrix[np.ix_(rows, columns)]
                    full[k, j] = np.linalg.det(minor) if rows else 1.0
        return full
