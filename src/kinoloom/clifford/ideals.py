"""A Clifford algebra as a sum of right ideals, in which products cost less.

Multiplication from the right by w maps each right ideal f A of the algebra A to itself. When A is a
sum of m ideals of d = I / m dimensions, x w is m products of a row of d numbers by a d x d matrix
of w: I * d multiplications instead of I * I. For Cl(2, 0), which is that of 2 x 2 matrices, that is
half of them; for Cl(3, 0), complex 2 x 2 matrices, half; for Cl(3, 1) a quarter.

The ideals come from k independent blades b with b b = 1 that commute with one another. Their
products are a group of m = 2 ** k blades g, each of square 1, and for each choice s of signs of the
b the sum of all s(g) g, divided by m, is an idempotent f_s; the idempotents add up to 1. The blades
fall into d classes of those that differ by a factor g. With one blade c of each, the products
m f_s c = sum over g of s(g) g c are a basis of f_s A, and so of A: sums of m blades with signs.

Source: Lounesto, "Clifford Algebras and Spinors" (2001), on primitive idempotents and spinor
spaces as minimal ideals. That a convolution needs fewer multiplications that way is used here to
save time, not to change what it computes.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from kinoloom.clifford.algebra import Algebra

Table = NDArray[np.float64]


@dataclass(frozen=True)
class Ideals:
    """A basis in which right products are m separate ones of size d.

    Attributes:
        count: m.
        size: d.
        basis: (m, d, I): the basis vectors of each ideal in blades; entries are -1, 0, 1. They
            are orthogonal and of length sqrt(m), so that x has the coordinates basis x / m.
        matrices: (m, d, d, I): row j', column j of blade l: how the coordinate j of a factor on
            the left goes to j' of the product with e_l. Entries are -1, 0, 1.
    """

    count: int
    size: int
    basis: Table
    matrices: Table


@cache
def ideals_of(algebra: Algebra) -> Ideals | None:
    """The finest such ideals of an algebra, or None when it is one ideal."""
    chosen: list[int] = []
    for blade in range(1, algebra.n_blades):
        if _may_join(algebra, chosen, blade):
            chosen.append(blade)
    if not chosen:
        return None
    every = np.eye(algebra.n_blades)
    count, size = 1 << len(chosen), algebra.n_blades >> len(chosen)
    basis = np.stack([every[c] for c in _classes(algebra, chosen)])[None]
    for blade in reversed(chosen):
        times = algebra.geometric_product(every[blade], basis)
        basis = np.concatenate([basis + times, basis - times])
    moved = algebra.geometric_product(basis[:, :, None], every)  # (m, j, l, I)
    matrices = np.einsum("mpi,mjli->mpjl", basis, moved) / count
    return Ideals(count, size, basis, matrices)


def _may_join(algebra: Algebra, chosen: list[int], blade: int) -> bool:
    """Whether a blade squares to 1, commutes with the chosen and is no product of them."""
    return (
        algebra.sign[0, blade] == 1
        and all(_commute(algebra, blade, other) for other in chosen)
        and int(algebra.bitmaps[blade]) not in _products(algebra, chosen)
    )


def _commute(algebra: Algebra, left: int, right: int) -> bool:
    a, b = int(algebra.bitmaps[left]), int(algebra.bitmaps[right])
    return (a.bit_count() * b.bit_count() - (a & b).bit_count()) % 2 == 0


def _products(algebra: Algebra, chosen: list[int]) -> list[int]:
    """The bitmaps of all products of the chosen blades, 1 among them."""
    group = [0]
    for blade in chosen:
        group += [member ^ int(algebra.bitmaps[blade]) for member in group]
    return group


def _classes(algebra: Algebra, chosen: list[int]) -> list[int]:
    """The first blade of each class of those that differ by a product of the chosen."""
    group = _products(algebra, chosen)
    firsts: list[int] = []
    seen: set[int] = set()
    for place, bitmap in enumerate(int(b) for b in algebra.bitmaps):
        if bitmap not in seen:
            firsts.append(place)
            seen |= {bitmap ^ member for member in group}
    return firsts
