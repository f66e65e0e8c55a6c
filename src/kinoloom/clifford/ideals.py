"""Decomposition of a Clifford algebra into right ideals, which makes products cheaper.

Right multiplication by w maps each right ideal f A of the algebra A to itself. If A is the sum of m
ideals of dimension d = I / m, the product x w is m products of a row of d numbers and a d x d
matrix of w: I * d multiplications instead of I * I. That is half of them for Cl(2, 0), the real
2 x 2 matrices, and Cl(3, 0), the complex 2 x 2 matrices, and a quarter for Cl(3, 1).

The ideals are built from k independent, commuting blades b with b b = 1. Their products form a
group of m = 2 ** k blades g of square 1. For each choice s of signs of the b, the sum of all
s(g) g, divided by m, is an idempotent f_s, and the idempotents add up to 1. Multiplication by the
group divides the blades into d cosets. With a representative c of each, the products
m f_s c = sum over g of s(g) g c are a basis of f_s A: signed sums of m blades.

Source: Lounesto, "Clifford Algebras and Spinors" (2001), on primitive idempotents and spinor
spaces as minimal ideals.
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
    """A basis in which a right product splits into m products of size d.

    Attributes:
        count: number of ideals, m.
        size: dimension of each ideal, d.
        basis: (m, d, I), the basis vectors of each ideal in blades; entries are -1, 0 or 1. They
            are orthogonal and of length sqrt(m), so x has the coordinates basis x / m.
        matrices: (m, d, d, I); entry (s, j', j, l) maps coordinate j of the left factor to
            coordinate j' of its product with e_l. Entries are -1, 0 or 1.
    """

    count: int
    size: int
    basis: Table
    matrices: Table


@cache
def find_ideals(algebra: Algebra) -> Ideals | None:
    """Return the finest decomposition of an algebra, or None if it is a single ideal."""
    generators: list[int] = []
    for blade in range(1, algebra.n_blades):
        if _extends_group(algebra, generators, blade):
            generators.append(blade)
    if not generators:
        return None
    unit = np.eye(algebra.n_blades)
    count, size = 1 << len(generators), algebra.n_blades >> len(generators)
    basis = np.stack([unit[c] for c in _list_cosets(algebra, generators)])[None]
    for blade in reversed(generators):
        product = algebra.geometric_product(unit[blade], basis)
        basis = np.concatenate([basis + product, basis - product])
    products = algebra.geometric_product(basis[:, :, None], unit)  # (m, j, l, I)
    matrices = np.einsum("mpi,mjli->mpjl", basis, products) / count
    return Ideals(count, size, basis, matrices)


def _extends_group(algebra: Algebra, generators: list[int], blade: int) -> bool:
    """Return whether a blade squares to 1, commutes with the generators and is independent."""
    return (
        algebra.sign[0, blade] == 1
        and all(_commute(algebra, blade, other) for other in generators)
        and int(algebra.bitmaps[blade]) not in _list_group(algebra, generators)
    )


def _commute(algebra: Algebra, left: int, right: int) -> bool:
    a, b = int(algebra.bitmaps[left]), int(algebra.bitmaps[right])
    return (a.bit_count() * b.bit_count() - (a & b).bit_count()) % 2 == 0


def _list_group(algebra: Algebra, generators: list[int]) -> list[int]:
    """Return the bitmaps of all products of the generators, including 1."""
    group = [0]
    for blade in generators:
        group += [member ^ int(algebra.bitmaps[blade]) for member in group]
    return group


def _list_cosets(algebra: Algebra, generators: list[int]) -> list[int]:
    """Return the index of the first blade of each coset of the group."""
    group = _list_group(algebra, generators)
    representatives: list[int] = []
    seen: set[int] = set()
    for index, bitmap in enumerate(int(b) for b in algebra.bitmaps):
        if bitmap not in seen:
            representatives.append(index)
            seen |= {bitmap ^ member for member in group}
    return representatives
