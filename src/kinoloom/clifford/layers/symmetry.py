"""How far a layer is from equivariance, measured.

A transformation T of space acts on a multivector field in two ways at once: places move, and the
blades at each place turn with them. A layer f is equivariant when f(T x) = T f(x).

    equivariance_error(layer, x, (1, 1))                        # turns and mirrors of the grid
    equivariance_error(layer, x, (1, 1, 1), group="versors")    # of blades only, any angle

Conventions: generator i + 1 points along axis i of space: in (B, C, I, H, W), e1 along H and e2
along W. The group of the grid is that of all signed permutations of the axes (8 in 2-d, 48 in 3-d),
which map a square grid onto itself exactly, so that the error of an equivariant layer is rounding
alone.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from functools import partial
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from kinoloom.clifford.algebra import Algebra
from kinoloom.clifford.layers.product import Grades, Signature
from kinoloom.errors import ArrayError, UsageError

Matrix = NDArray[np.float64]
Layer = Callable[[Tensor], Tensor]
_VERSORS = 8


def equivariance_error(
    layer: Layer,
    x: Tensor,
    g: Signature,
    group: Literal["grid", "versors"] = "grid",
    *,
    in_grades: Grades = None,
    out_grades: Grades = None,
    seed: int = 0,
) -> float:
    """The largest ||f(T x) - T f(x)|| / ||f(x)|| over transformations T of a group.

    Args:
        layer: f, from fields (B, C, I, *space) to such fields; in evaluation mode if that differs.
        x: the field to try it on; for "grid" with equally long axes of space.
        g: the algebra, or its signature as a list of squares.
        group: "grid", all turns and mirrors of a square grid, with the blades turned along; or
            "versors", eight random products of one to `dim` vectors that act on blades only, for
            layers that look at each place alone.
        in_grades, out_grades: the grades that x and f(x) have; None for all.
        seed: of the random versors.

    Returns:
        About 1e-6 (float32) or 1e-15 (float64) for an equivariant layer, else of order 1.

    Raises:
        UsageError: another group; "grid" with an algebra that is not Cl(n, 0).
        ArrayError: axes of space that are not `dim` equally long ones, blades that do not agree,
            NaN or infinite values in x or in f(x).
    """
    algebra = Algebra.of(g)
    with torch.no_grad():
        y = layer(x)
        if not (x.isfinite().all() and y.isfinite().all()):
            raise ArrayError("A field or what the layer makes of it holds NaN or infinite values.")
        size = y.norm()
        errors = [
            float((layer(move(x, in_grades)) - move(y, out_grades)).norm() / size)
            for move in _list_transformations(algebra, group, x, seed)
        ]
    return max(errors)


def transform_field(x: Tensor, matrix: Matrix, g: Signature, grades: Grades = None) -> Tensor:
    """A field turned and mirrored by a symmetry of its grid, places and blades together.

    Args:
        x: (B, C, I, *space) with `dim` equally long axes of space.
        matrix: (dim, dim), a signed permutation.
        g: the algebra, or its signature as a list of squares.
        grades: the grades that x has; None for all.

    Raises:
        ArrayError: another shape, or a matrix that is not a signed permutation.
    """
    algebra = Algebra.of(g)
    matrix = np.asarray(matrix, np.float64)
    if x.dim() != 3 + algebra.dim or len(set(x.shape[3:])) != 1:
        raise ArrayError(
            f"A field of {algebra} on a square grid has {algebra.dim} equally long axes of space, "
            f"not the shape {tuple(x.shape)}."
        )
    here = np.abs(matrix)
    if set(np.unique(here)) - {0.0, 1.0} or (here.sum(0) != 1).any() or (here.sum(1) != 1).any():
        raise ArrayError("A symmetry of the grid is a permutation of its axes with signs.")
    came_from = here.argmax(axis=1)
    turned = x.permute(0, 1, 2, *(3 + int(axis) for axis in came_from))
    mirrored = [3 + axis for axis in range(algebra.dim) if matrix[axis].sum() < 0]
    return transform_blades(turned.flip(mirrored), algebra.outermorphism(matrix), algebra, grades)


def transform_blades(x: Tensor, matrix: Matrix, g: Signature, grades: Grades = None) -> Tensor:
    """A linear map of multivectors at every place.

    Args:
        x: (B, C, I, *space).
        matrix: (I, I) of the whole algebra, as `Algebra.outermorphism` gives it.
        g: the algebra, or its signature as a list of squares.
        grades: the grades that x has; None for all.

    Raises:
        ArrayError: x does not have the blades of these grades.
    """
    blades = Algebra.of(g).blades_of_grades(grades)
    if x.dim() < 3 or x.shape[2] != len(blades):
        raise ArrayError(
            f"A field of {len(blades)} blades was expected, not the shape {tuple(x.shape)}."
        )
    part = torch.as_tensor(matrix[np.ix_(blades, blades)], dtype=x.dtype, device=x.device)
    return torch.einsum("kj,bcj...->bck...", part, x)


def list_grid_symmetries(dim: int) -> list[Matrix]:
    """All signed permutation matrices (dim, dim): the symmetries of a cube."""
    return [
        np.diag(signs) @ np.eye(dim)[list(order)]
        for order in itertools.permutations(range(dim))
        for signs in itertools.product((1.0, -1.0), repeat=dim)
    ]


def draw_versor_matrices(g: Signature, count: int, seed: int) -> list[Matrix]:
    """How random versors act on all blades: (I, I) matrices, of odd and even ones in turn."""
    algebra, rng = Algebra.of(g), np.random.default_rng(seed)
    made = []
    for number in range(count):
        versor = np.eye(1, algebra.n_blades)[0]
        for _ in range(1 + number % algebra.dim):
            versor = algebra.geometric_product(versor, _random_vector(algebra, rng))
        made.append(algebra.act(versor, np.eye(algebra.n_blades)).T)
    return made


def _random_vector(algebra: Algebra, rng: np.random.Generator) -> NDArray[np.float64]:
    """A vector that is well away from having norm 0."""
    while True:
        drawn = rng.standard_normal(algebra.dim)
        square = float(drawn**2 @ np.array(algebra.metric))
        if abs(square) > 0.3 * float(drawn @ drawn):
            return np.asarray(algebra.embed(drawn, range(1, algebra.dim + 1)), np.float64)


def _list_transformations(
    algebra: Algebra, group: str, x: Tensor, seed: int
) -> Iterator[Callable[[Tensor, Grades], Tensor]]:
    if group == "grid":
        if algebra.metric != (1,) * algebra.dim:
            raise UsageError(f"The grid's symmetries act on Cl(n, 0), not on {algebra}.")
        for matrix in list_grid_symmetries(algebra.dim):
            yield partial(_moved, transform_field, matrix, algebra)
    elif group == "versors":
        if not any(algebra.metric):
            raise UsageError(f"{algebra} has no versors but numbers: every square is 0.")
        for matrix in draw_versor_matrices(algebra, _VERSORS, seed):
            yield partial(_moved, transform_blades, matrix, algebra)
    else:
        raise UsageError(f"The group must be grid or versors, not '{group}'.")


def _moved(
    how: Callable[..., Tensor], matrix: Matrix, algebra: Algebra, field: Tensor, grades: Grades
) -> Tensor:
    return how(field, matrix, algebra, grades)
