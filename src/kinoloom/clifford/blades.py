"""The blades of a Clifford algebra and how they multiply, by operations on bits.

A blade is a product of distinct generators, e1 e3 say, and is held as a bitmap (0b101). The
product of two blades is the blade of their exclusive or, times a sign: one minus for each swap of
neighbours that sorts the generators, and the square of each generator that both have. So each
pair of blades gives at most one term, and the whole multiplication table is two small arrays.

Order of blades: by grade, then by their generators: 1, e1, e2, e3, e12, e13, e23, e123.
Conventions: metric[i] is the square of generator i + 1, one of 1, -1, 0.

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
    """The blades of one algebra, their order, grades and multiplication table.

    Args:
        metric: the square of each generator, 1 to 5 entries out of 1, -1, 0.

    Raises:
        UsageError: no generator, too many, or another square.
    """

    def __init__(self, metric: Sequence[int]) -> None:
        squares = tuple(metric)
        if not 1 <= len(squares) <= MAX_GENERATORS:
            raise UsageError(
                f"An algebra of {len(squares)} generators was asked for; "
                f"1 to {MAX_GENERATORS} are possible."
            )
        if any(square not in (-1, 0, 1) for square in squares):
            raise UsageError(
                f"The signature {list(squares)} is not one: each entry must be 1, -1 or 0."
            )
        self.metric: tuple[int, ...] = tuple(int(square) for square in squares)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Blades) and other.metric == self.metric

    def __hash__(self) -> int:
        return hash(self.metric)

    @property
    def dim(self) -> int:
        """How many generators there are."""
        return len(self.metric)

    @property
    def n_blades(self) -> int:
        """How many blades there are, 2 ** dim."""
        return 1 << self.dim

    @cached_property
    def bitmaps(self) -> Ints:
        """(I,): the bitmap of each blade; bit i stands for generator i + 1."""
        every = range(self.dim)
        sets = [c for grade in range(self.dim + 1) for c in combinations(every, grade)]
        return np.array([sum(1 << i for i in members) for members in sets], np.int64)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The name of each blade: "1", "e1", "e12"."""
        digits = ("".join(str(i + 1) for i in self.generators(b)) for b in self.bitmaps)
        return tuple(f"e{d}" if d else "1" for d in digits)

    @cached_property
    def grades(self) -> Ints:
        """(I,): how many generators each blade has."""
        return np.array([int(b).bit_count() for b in self.bitmaps], np.int64)

    @cached_property
    def position(self) -> Ints:
        """(I,): where the blade of each bitmap stands in the order; the inverse of `bitmaps`."""
        return np.argsort(self.bitmaps)

    @cached_property
    def partner(self) -> Ints:
        """(I, I): partner[k, j] is the blade that blade j must be multiplied by to give k."""
        needed: Ints = self.position[self.bitmaps[:, None] ^ self.bitmaps[None, :]]
        return needed

    @cached_property
    def sign(self) -> Ints:
        """(I, I): e_j e_l = sign[k, j] e_k, with l = partner[k, j]; -1, 0 or 1."""
        return self.reordering(self.bitmaps[None, :], self.bitmaps[self.partner])

    @cached_property
    def terms(self) -> Ints:
        """(T, 4): rows (i, j, k, sign), one for each e_i e_j = sign e_k that is not zero."""
        out, left = np.nonzero(self.sign)
        return np.stack([left, self.partner[out, left], out, self.sign[out, left]], axis=1)

    def generators(self, bitmap: int) -> tuple[int, ...]:
        """The generators of a bitmap, counted from 0, ascending."""
        return tuple(i for i in range(self.dim) if int(bitmap) >> i & 1)

    def reordering(self, left: Ints, right: Ints) -> Ints:
        """The factor of the blade `left ^ right` in the product of two bitmaps (broadcast)."""
        swaps = np.zeros(np.broadcast_shapes(left.shape, right.shape), np.int64)
        for shift in range(1, self.dim):
            swaps += _ONES[left >> shift & right]
        factor = 1 - 2 * (swaps & 1)
        for generator, square in enumerate(self.metric):
            shared = (left & right) >> generator & 1
            factor = np.where(shared == 1, factor * square, factor)
        return factor

    def of_grades(self, grades: Iterable[int] | None) -> tuple[int, ...]:
        """The places of all blades of these grades, ascending; of all blades for None.

        Raises:
            UsageError: no grade at all, or one that this algebra does not have.
        """
        if grades is None:
            return tuple(range(self.n_blades))
        wanted = set(grades)
        if not wanted or not wanted <= set(range(self.dim + 1)):
            raise UsageError(
                f"Grades {sorted(wanted)} were asked for; {self} has grades 0 to {self.dim}."
            )
        return tuple(int(i) for i in np.flatnonzero(np.isin(self.grades, sorted(wanted))))

    def outermorphism(self, matrix: NDArray[np.float64]) -> NDArray[np.float64]:
        """How a linear map of vectors acts on multivectors: e12 goes to f(e1) ^ f(e2).

        Args:
            matrix: (dim, dim); column i is the image of generator i.

        Returns:
            (I, I): acts on columns of blade coefficients; its entries are minors of `matrix`.

        Raises:
            ArrayError: another shape.
        """
        matrix = np.asarray(matrix, np.float64)
        if matrix.shape != (self.dim, self.dim):
            raise ArrayError(
                f"A linear map of the vectors of {self} has shape {(self.dim, self.dim)}, "
                f"not {matrix.shape}."
            )
        full = np.zeros((self.n_blades, self.n_blades))
        members = [self.generators(b) for b in self.bitmaps]
        for k, rows in enumerate(members):
            for j, columns in enumerate(members):
                if len(rows) == len(columns):
                    minor = matrix[np.ix_(rows, columns)]
                    full[k, j] = np.linalg.det(minor) if rows else 1.0
        return full
