"""Apply colour LUTs: linear, trilinear and tetrahedral interpolation.

The tables are interpolated as offsets from the identity, which is exact for every linear part. An
identity table therefore leaves each value in its domain bit-identical.

Source of the tetrahedral form: Kasson, Nin, Plouffe and Hafner, "Performing color space conversions
with three-dimensional linear interpolation", J. Electronic Imaging 4(3), 1995. It needs four
entries instead of eight and keeps neutral greys neutral.
"""

from __future__ import annotations

import itertools
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from kinoloom.enhance.filters.channels import merge, split
from kinoloom.enhance.filters.lut.tables import ColorLut, Lut1D, Lut3D

Values = NDArray[np.float32]
Indices = NDArray[np.intp]
Interpolation = Literal["tetrahedral", "trilinear"]

_BAND_PX = 1 << 14
"""The temporaries of a band then fit in the processor cache."""


def apply_lut(
    picture: Values, lut: ColorLut, interpolation: Interpolation = "tetrahedral"
) -> Values:
    """Return the picture with its colours replaced.

    Args:
        picture: (H, W, 3) float32.
        lut: the shaper is applied first, then the lattice.
        interpolation: between the lattice's entries.

    Returns:
        (H, W, 3) float32, not clipped.
    """
    if lut.shaper is not None:
        picture = _apply_1d(picture, lut.shaper)
    if lut.lattice is not None:
        picture = _apply_3d(picture, lut.lattice, interpolation)
    return picture


def _apply_1d(picture: Values, lut: Lut1D) -> Values:
    planes = []
    for plane, low, high, column in zip(
        split(picture), lut.low, lut.high, lut.table.T, strict=True
    ):
        inputs = np.linspace(low, high, len(column))
        offsets = column - inputs.astype(np.float32)
        values = np.clip(plane, np.float32(low), np.float32(high))
        planes.append(values + np.interp(values, inputs, offsets).astype(np.float32))
    return merge(planes)


def _apply_3d(picture: Values, lut: Lut3D, interpolation: Interpolation) -> Values:
    offsets = np.ascontiguousarray(lut.offsets.reshape(-1, 3).T)
    blend = _blend_tetrahedral if interpolation == "tetrahedral" else _blend_trilinear
    rows = max(1, _BAND_PX // picture.shape[1])
    result = np.empty_like(picture)
    for top in range(0, len(picture), rows):
        planes, corners, fractions = [], [], []
        for plane, low, high in zip(
            split(picture[top : top + rows]), lut.low, lut.high, strict=True
        ):
            values = np.clip(plane, np.float32(low), np.float32(high))
            position = (values - np.float32(low)) * np.float32((lut.size - 1) / (high - low))
            corner = np.minimum(position.astype(np.intp), lut.size - 2)
            planes.append(values)
            corners.append(corner)
            fractions.append(position - corner.astype(np.float32))
        index = corners[0] + lut.size * (corners[1] + lut.size * corners[2])
        for plane, change in zip(planes, blend(offsets, index, fractions, lut.size), strict=True):
            plane += change
        result[top : top + rows] = merge(planes)
    return result


def _blend_tetrahedral(
    offsets: Values, index: Indices, fractions: list[Values], size: int
) -> list[Values]:
    """Walk from a cell's first corner to its last along the axes, largest fraction first."""
    red, green, blue = fractions
    one, two, three = np.intp(1), np.intp(size), np.intp(size * size)
    above = red >= green
    least, most = np.minimum(red, green), np.maximum(red, green)
    first = np.where(most >= blue, np.where(above, one, two), three)
    last = np.where(blue <= least, three, np.where(above, two, one))
    high, low = np.maximum(most, blue), np.minimum(least, blue)
    middle = np.maximum(least, np.minimum(most, blue))
    end = index + (one + two + three)
    corners = [
        (index, 1 - high),
        (index + first, high - middle),
        (end - last, middle - low),
        (end, low),
    ]
    return _sum_corners(offsets, corners)


def _blend_trilinear(
    offsets: Values, index: Indices, fractions: list[Values], size: int
) -> list[Values]:
    shares = [(1 - fraction, fraction) for fraction in fractions]
    corners = []
    for red, green, blue in itertools.product((0, 1), repeat=3):
        weight = shares[0][red] * shares[1][green] * shares[2][blue]
        corners.append((index + (red + size * (green + size * blue)), weight))
    return _sum_corners(offsets, corners)


def _sum_corners(offsets: Values, corners: list[tuple[Indices, Values]]) -> list[Values]:
    """Return the weighted sum of the offsets at the corners, for each channel."""
    results = []
    for channel in offsets:
        total = np.zeros(corners[0][0].shape, np.float32)
        for at, weight in corners:
            values = channel.take(at)
            values *= weight
            total += values
        results.append(total)
    return results
