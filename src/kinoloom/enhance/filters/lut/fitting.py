"""Derive a colour LUT from a picture before and after an edit.

The offsets d on the lattice minimise

    sum_k w_k |(A d)_k - e_k|^2 + smoothness |D d|^2 + identity |d|^2

where A interpolates trilinearly at the colours of the first picture, e are the changes of these
colours, and D takes differences between neighbouring entries. Colours that the picture has decide;
the others continue smoothly from them and return to the identity far away. The equations are solved
by conjugate gradients. Colours are averaged in small cells first, which removes noise and makes the
time independent of the size of the picture.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from kinoloom.base.arrays import Picture, check_picture, to_float
from kinoloom.enhance.filters.lut.tables import Lut3D, identity_lut
from kinoloom.errors import ArrayError

Field = NDArray[np.float64]
"""(N, N, N, 3): offsets on the lattice."""

_MAX_PX = 1 << 22
"""Of larger pictures, every second or third pixel in both directions is enough."""
_CELLS = 64
_FULL_WEIGHT_PX = 50
_IDENTITY = 1e-4
_TOLERANCE = 1e-3
_MAX_ITERATIONS = 300


def fit_lut(before: Picture, after: Picture, *, size: int = 17, smoothness: float = 0.02) -> Lut3D:
    """Return a LUT that turns the colours of one picture into those of the other.

    Args:
        before, after: the same scene, aligned, of one height and width; see `base.arrays`; alpha
            is ignored.
        size: entries along an axis, 2..65.
        smoothness: weight of differences between neighbouring entries, above 0; more suppresses
            noise and reaches farther into colours that the picture does not have.

    Returns:
        The lattice on 0..1, its values in 0..1.

    Raises:
        ArrayError: not pictures, different sizes, or an argument out of range.
    """
    check_picture(before, "picture before")
    check_picture(after, "picture after")
    if before.shape[:2] != after.shape[:2]:
        raise ArrayError(
            "The pictures before and after must have the same size, not "
            f"{before.shape[:2]} and {after.shape[:2]}."
        )
    if not 2 <= size <= 65 or not smoothness > 0:
        raise ArrayError(
            f"The size must be from 2 to 65 and the smoothness above 0, not {size} and "
            f"{smoothness}."
        )
    step = max(1, math.ceil(math.sqrt(before.shape[0] * before.shape[1] / _MAX_PX)))
    source, target = (to_float(one[::step, ::step, :3]).reshape(-1, 3) for one in (before, after))
    colors, changes, weights = _average_cells(source, target - source)
    index, shares = _find_corners(colors, size)

    def multiply(offsets: Field) -> Field:
        flat = offsets.reshape(-1, 3)
        found = np.einsum("ck,ckd->kd", shares, flat[index]) * weights[:, None]
        return _scatter(found, index, shares, size) + _regularize(offsets, smoothness)

    right = _scatter(changes * weights[:, None], index, shares, size)
    identity = identity_lut(size)
    scale = _scatter_diagonal(weights, index, shares, size) + 6 * smoothness + _IDENTITY
    table = identity.table + _solve(multiply, right, scale[..., None])
    return Lut3D(np.asarray(np.clip(table, 0, 1), np.float32))


def _average_cells(
    colors: NDArray[np.float32], changes: NDArray[np.float32]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return the mean colour and change of each occupied cell, and its weight in 0..1."""
    cell = np.minimum((colors * _CELLS).astype(np.int64), _CELLS - 1)
    key = cell[:, 0] + _CELLS * (cell[:, 1] + _CELLS * cell[:, 2])
    counts = np.bincount(key, minlength=_CELLS**3)
    used = np.flatnonzero(counts)
    means = [
        np.bincount(key, values[:, channel], _CELLS**3)[used] / counts[used]
        for values in (colors, changes)
        for channel in range(3)
    ]
    weights = np.minimum(counts[used] / _FULL_WEIGHT_PX, 1.0)
    return np.stack(means[:3], 1), np.stack(means[3:], 1), weights


def _find_corners(
    colors: NDArray[np.float64], size: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the 8 entries around each colour as (8, K) indices, and their shares."""
    position = colors * (size - 1)
    corner = np.clip(position.astype(np.int64), 0, size - 2)
    fraction = position - corner
    steps = np.array([1, size, size * size])
    indices, shares = [], []
    for number in range(8):
        bits = np.array([number & 1, number >> 1 & 1, number >> 2])
        indices.append((corner + bits) @ steps)
        shares.append(np.where(bits, fraction, 1 - fraction).prod(axis=1))
    return np.stack(indices), np.stack(shares)


def _scatter(
    values: NDArray[np.float64],
    index: NDArray[np.int64],
    shares: NDArray[np.float64],
    size: int,
) -> Field:
    """Add (K, 3) values to the entries around their colours."""
    planes = [
        np.bincount(index.ravel(), (shares * values[:, channel]).ravel(), size**3)
        for channel in range(3)
    ]
    return np.stack(planes, axis=1, dtype=np.float64).reshape(size, size, size, 3)


def _scatter_diagonal(
    weights: NDArray[np.float64],
    index: NDArray[np.int64],
    shares: NDArray[np.float64],
    size: int,
) -> NDArray[np.float64]:
    """Return the diagonal of the equations without regularization, (N, N, N)."""
    squares = (shares * shares * weights).ravel()
    diagonal = np.asarray(np.bincount(index.ravel(), squares, size**3), np.float64)
    return diagonal.reshape(size, size, size)


def _regularize(offsets: Field, smoothness: float) -> Field:
    result = _IDENTITY * offsets
    for axis in range(3):
        change = smoothness * np.diff(offsets, axis=axis)
        ends = [(0, 0)] * 4
        ends[axis] = (1, 1)
        result -= np.diff(np.pad(change, ends), axis=axis)
    return result


def _solve(multiply: Callable[[Field], Field], right: Field, scale: Field) -> Field:
    """Solve the equations by conjugate gradients, from zero, preconditioned by the diagonal."""
    solution = np.zeros_like(right)
    residual = right.copy()
    direction = residual / scale
    energy = start = float((residual * direction).sum())
    for _ in range(_MAX_ITERATIONS):
        if energy <= _TOLERANCE**2 * start:
            break
        product = multiply(direction)
        step = energy / float((direction * product).sum())
        solution += step * direction
        residual -= step * product
        corrected = residual / scale
        before, energy = energy, float((residual * corrected).sum())
        direction = corrected + energy / before * direction
    return solution
