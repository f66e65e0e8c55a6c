"""Equivariance error of layers, and transformations of multivector fields.

A transformation T of space moves the cells of a multivector field and transforms the blades in each
cell. A layer f is equivariant if f(T x) = T f(x).

    equivariance_error(layer, x, (1, 1))                        # symmetries of the grid
    equivariance_error(layer, x, (1, 1, 1), group="versors")    # of blades only, any angle

Conventions: generator i + 1 points along axis i of space: in (B, C, I, H, W), e1 along H and e2
along W. The symmetries of the grid are the signed permutations of its axes (8 in 2-d, 48 in 3-d).
They map a square grid onto itself exactly, so the error of an equivariant layer is rounding only.
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
    """Return the largest ||f(T x) - T f(x)|| / ||f(x)|| over transformations T of a group.

    Args:
        layer: f, which maps fields (B, C, I, *space) to such fields; in evaluation mode.
        x: test input; for "grid", its axes of space have equal sizes.
        g: algebra, or its signature as a sequence of squares.
        group: "grid", all rotations and reflections of a square grid; or "versors", eight random
            products of 1 to `dim` vectors, which act on blades only, for pointwise layers.
        in_grades, out_grades: grades of x and f(x); None for all.
        seed: seed of the random versors.

    Returns:
        About 1e-6 (float32) or 1e-15 (float64) for an equivariant layer, of order 1 otherwise.

    Raises:
        UsageError: the group is unknown, or "grid" is used with an algebra other than Cl(n, 0).
        ArrayError: the axes of space or the blades of x or f(x) do not match the algebra, or x or
            f(x) contains NaN or infinite values.
    """
    algebra = Algebra.of(g)
    with torch.no_grad():
        y = layer(x)
        if not (x.isfinite().all() and y.isfinite().all()):
            raise ArrayError("The input or output of the layer contains NaN or infinite values.")
        size = y.norm()
        errors = [
            float((layer(transform(x, in_grades)) - transform(y, out_grades)).norm() / size)
            for transform in _iterate_transformations(algebra, group, seed)
        ]
    return max(errors)


def transform_field(x: Tensor, matrix: Matrix, g: Signature, grades: Grades = None) -> Tensor:
    """Transform the cells and blades of a field by a symmetry of its grid.

    Args:
        x: (B, C, I, *space), with `dim` axes of space of equal sizes.
        matrix: (dim, dim), a signed permutation.
        g: algebra, or its signature as a sequence of squares.
        grades: grades of x; None for all.

    Raises:
        ArrayError: the shape is wrong, or the matrix is not a signed permutation.
    """
    algebra = Algebra.of(g)
    matrix = np.asarray(matrix, np.float64)
    if x.dim() != 3 + algebra.dim or len(set(x.shape[3:])) != 1:
        raise ArrayError(
            f"The field has shape {tuple(x.shape)}: expected {algebra.dim} axes of space of equal "
            f"sizes for {algebra}."
        )
    size = np.abs(matrix)
    if set(np.unique(size)) - {0.0, 1.0} or (size.sum(0) != 1).any() or (size.sum(1) != 1).any():
        raise ArrayError(
            f"The matrix {matrix.tolist()} is not a symmetry of the grid: expected a signed "
            "permutation."
        )
    source_axes = size.argmax(axis=1)
    permuted = x.permute(0, 1, 2, *(3 + int(axis) for axis in source_axes))
    reflected = permuted.flip([3 + axis for axis in range(algebra.dim) if matrix[axis].sum() < 0])
    return transform_blades(reflected, algebra.outermorphism(matrix), algebra, grades)


def transform_blades(x: Tensor, matrix: Matrix, g: Signature, grades: Grades = None) -> Tensor:
    """Apply a linear map to the multivector in every cell.

    Args:
        x: (B, C, I, *space).
        matrix: (I, I) for all blades of the algebra, such as an `Algebra.outermorphism`.
        g: algebra, or its signature as a sequence of squares.
        grades: grades of x; None for all.

    Raises:
        ArrayError: the number of blades of x is not that of the grades.
    """
    blades = Algebra.of(g).blades_of_grades(grades)
    if x.dim() < 3 or x.shape[2] != len(blades):
        raise ArrayError(
            f"The field has shape {tuple(x.shape)}: expected {len(blades)} blades on axis 2."
        )
    part = torch.as_tensor(matrix[np.ix_(blades, blades)], dtype=x.dtype, device=x.device)
    return torch.einsum("kj,bcj...->bck...", part, x)


def list_grid_symmetries(dim: int) -> list[Matrix]:
    """Return all signed permutation matrices (dim, dim), the symmetries of a cube."""
    return [
        np.diag(signs) @ np.eye(dim)[list(order)]
        for order in itertools.permutations(range(dim))
        for signs in itertools.product((1.0, -1.0), repeat=dim)
    ]


def draw_versor_matrices(g: Signature, count: int, seed: int) -> list[Matrix]:
    """Return matrices (I, I) of the action of random versors, products of 1, 2, ... vectors."""
    algebra, rng = Algebra.of(g), np.random.default_rng(seed)
    matrices = []
    for index in range(count):
        versor = np.eye(1, algebra.n_blades)[0]
        for _ in range(1 + index % algebra.dim):
            versor = algebra.geometric_product(versor, _draw_vector(algebra, rng))
        matrices.append(algebra.act(versor, np.eye(algebra.n_blades)).T)
    return matrices


def _draw_vector(algebra: Algebra, rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw a vector whose norm is not close to 0."""
    while True:
        vector = rng.standard_normal(algebra.dim)
        square = float(vector**2 @ np.array(algebra.metric))
        if abs(square) > 0.3 * float(vector @ vector):
            return np.asarray(algebra.embed(vector, range(1, algebra.dim + 1)), np.float64)


def _iterate_transformations(
    algebra: Algebra, group: str, seed: int
) -> Iterator[Callable[[Tensor, Grades], Tensor]]:
    if group == "grid":
        if algebra.metric != (1,) * algebra.dim:
            raise UsageError(f"Symmetries of the grid do not act on {algebra}: expected Cl(n, 0).")
        for matrix in list_grid_symmetries(algebra.dim):
            yield partial(_apply, transform_field, matrix, algebra)
    elif group == "versors":
        if not any(algebra.metric):
            raise UsageError(f"{algebra} has only scalar versors: every generator squares to 0.")
        for matrix in draw_versor_matrices(algebra, _VERSORS, seed):
            yield partial(_apply, transform_blades, matrix, algebra)
    else:
        raise UsageError(f"Unknown group '{group}': expected grid or versors.")


def _apply(
    transform: Callable[..., Tensor],
    matrix: Matrix,
    algebra: Algebra,
    field: Tensor,
    grades: Grades,
) -> Tensor:
    return transform(field, matrix, algebra, grades)
