"""A Clifford algebra as a sum of equal right ideals, in which products cost less.

Multiplication from the right by w maps each right ideal f A of the algebra A to itself. When A is a
sum of m ideals that are all alike, x w is m products of a row of d = I / m numbers by one d x d
matrix of w: I * d multiplications instead of I * I. For Cl(2, 0), which is that of 2 x 2 matrices,
that is half of them; for Cl(3, 0), complex 2 x 2 matrices, half; for Cl(3, 1) a quarter.

The ideals come from blades b with b b = 1 that commute with one another: the 2 ** k products of
(1 + b) / 2 and (1 - b) / 2 are idempotents f_s that add up to 1. If a blade g with an inverse
exists that takes the signs of f to those of f_s, then g f A = f_s A and the ideals are alike.

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
    """Coordinates in which right products are m equal ones of size d.

    Attributes:
        count: m.
        size: d.
        into: (m * d, I), from blades to coordinates.
        out: (I, m * d), back.
        matrices: (d, d, I): row j', column j of blade l: how the coordinate j of a factor on the
            left goes to j' of the product with e_l. Entries are -1, 0, 1.
    """

    count: int
    size: int
    into: Table
    out: Table
    matrices: Table


@cache
def ideals_of(algebra: Algebra) -> Ideals | None:
    """The finest such coordinates of an algebra, or None when one ideal is all of it."""
    chosen: list[int] = []
    for blade in range(1, algebra.n_blades):
        if _may_join(algebra, chosen, blade):
            chosen.append(blade)
    if not chosen:
        return None
    every = np.eye(algebra.n_blades)
    idempotent = every[0]
    for blade in chosen:
        idempotent = algebra.geometric_product(idempotent, every[0] + every[blade])
    columns = _cosets(algebra, chosen)
    first = algebra.geometric_product(idempotent, every[columns])  # (d, I): a basis of f A
    movers = every[list(_movers(algebra, chosen).values())]
    basis = algebra.geometric_product(movers[:, None], first)  # (m, d, I)
    rows = basis.reshape(algebra.n_blades, algebra.n_blades)
    into = np.linalg.inv(rows).T
    moved = algebra.geometric_product(first[:, None], every)  # (j, l, I)
    matrices = np.einsum("pi,jli->pjl", into[: len(columns)], moved)
    return Ideals(len(movers), len(columns), into, rows.T, np.rint(matrices))


def _may_join(algebra: Algebra, chosen: list[int], blade: int) -> bool:
    """Whether a blade squares to 1, commutes with the chosen, and leaves all ideals alike."""
    if algebra.sign[0, blade] != 1:
        return False
    if any(_commutation(algebra, blade, other) != 1 for other in chosen):
        return False
    return len(_movers(algebra, [*chosen, blade])) == 2 << len(chosen)


def _movers(algebra: Algebra, chosen: list[int]) -> dict[tuple[int, ...], int]:
    """For each pattern of signs that can be had, the first blade that takes it to all plus."""
    found: dict[tuple[int, ...], int] = {}
    for blade in range(algebra.n_blades):
        if algebra.sign[0, blade] != 0:  # it has an inverse
            signs = tuple(_commutation(algebra, blade, b) for b in chosen)
            found.setdefault(signs, blade)
    return found


def _commutation(algebra: Algebra, left: int, right: int) -> int:
    """1 when two blades commute, -1 when they anticommute; both without null generators or not."""
    a, b = int(algebra.bitmaps[left]), int(algebra.bitmaps[right])
    return 1 - 2 * ((a.bit_count() * b.bit_count() - (a & b).bit_count()) % 2)


def _cosets(algebra: Algebra, chosen: list[int]) -> list[int]:
    """The first blade of each class of those that differ by factors of the chosen."""
    group = [0]
    for blade in chosen:
        group += [member ^ int(algebra.bitmaps[blade]) for member in group]
    seen: set[int] = set()
    firsts: list[int] = []
    for place, bitmap in enumerate(int(b) for b in algebra.bitmaps):
        if bitmap not in seen:
            firsts.append(place)
            seen |= {bitmap ^ member for member in group}
    return firsts
