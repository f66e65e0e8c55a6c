"""Deblocking by shifted transforms: removes blocks and ringing alike.

The luma and the two colour differences pass the codec's own 8x8 cosine transform again, at shifted
positions. Coefficients that are small for the given quality are dropped, and the results averaged.
The codec's errors look like small coefficients at the shifted positions; structure does not.

The threshold, 0.35 quantization steps, suits twelve photos of BSDS500 train at the qualities 10 to
50 best; at 90 they gain from more, because it also removes their noise.

Sources: Nosratinia, "Enhancement of JPEG-compressed images by re-application of JPEG", J. VLSI
Signal Processing 27, 2001; ITU-T T.81 (quantization tables K.1 and K.2).
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from kinoloom.enhance.filters.channels import (
    Colors,
    Plane,
    enlarge,
    find_green_change,
    find_luma,
    merge,
    reduce,
    split,
)

_BLOCK = 8
_THRESHOLD = 0.35
_SHIFTS = ((0, 4), (4, 0), (2, 2), (6, 6))
"""Rows and columns by which the blocks differ from the codec's."""
_LUMA = np.array(
    [
        [16, 11, 10, 16, 24, 40, 51, 61],
        [12, 12, 14, 19, 26, 58, 60, 55],
        [14, 13, 16, 24, 40, 57, 69, 56],
        [14, 17, 22, 29, 51, 87, 80, 62],
        [18, 22, 37, 56, 68, 109, 103, 77],
        [24, 35, 55, 64, 81, 104, 113, 92],
        [49, 64, 78, 87, 103, 121, 120, 101],
        [72, 92, 95, 98, 112, 100, 103, 99],
    ],
    np.float32,
)
_CHROMA = np.full((_BLOCK, _BLOCK), 99, np.float32)
_CHROMA[:4, :4] = [[17, 18, 24, 47], [18, 21, 26, 66], [24, 26, 56, 99], [47, 66, 99, 99]]
_BLUE_SCALE, _RED_SCALE = 1.772, 1.402
"""Of the colour differences B - Y and R - Y relative to Cb and Cr."""

REACH_PX = 4 * _BLOCK


def average_shifts(picture: Colors, origin: tuple[int, int], scale: float) -> Colors:
    """Return the mean of the picture's transforms without their small coefficients.

    Args:
        picture: (H, W, 3) float32 in 0..1.
        origin: row and column of its first pixel, for the grid of blocks.
        scale: factor of the quantization tables, above 0; 1 for JPEG quality 50.

    Returns:
        (H, W, 3) float32.
    """
    luma = find_luma(picture)
    red, _, blue = split(picture)
    luma_change = _change(luma, origin, _LUMA * np.float32(scale))
    halved = (origin[0] // 2, origin[1] // 2)
    changes = []
    for plane, unit in ((red, _RED_SCALE), (blue, _BLUE_SCALE)):
        change = _change(reduce(plane - luma, 2), halved, _CHROMA * np.float32(scale * unit))
        changes.append(enlarge(change, 2, luma.shape))
    changes.insert(1, find_green_change(*changes))
    return merge([change + luma_change for change in changes]) + picture


def _change(plane: Plane, origin: tuple[int, int], table: NDArray[np.float32]) -> Plane:
    """Return the mean change of a plane by dropping small coefficients at all shifts."""
    height, width = plane.shape
    limits = np.tile(table * np.float32(_THRESHOLD / 255), (1, -(-width // _BLOCK) + 1))
    total = np.zeros_like(plane)
    for row, column in _SHIFTS:
        top, left = (row + origin[0]) % _BLOCK, (column + origin[1]) % _BLOCK
        bottom, right = -(top + height) % _BLOCK, -(left + width) % _BLOCK
        padded = cv2.copyMakeBorder(plane, top, bottom, left, right, cv2.BORDER_REFLECT)
        kept = _drop_small(np.asarray(padded, np.float32), limits)
        total += kept[top : top + height, left : left + width]
    return total / np.float32(len(_SHIFTS)) - plane


def _drop_small(plane: Plane, limits: NDArray[np.float32]) -> Plane:
    """Return a plane of whole blocks without the coefficients below the limits."""
    height, width = plane.shape
    bands = _COSINES @ plane.reshape(-1, _BLOCK, width)
    coefficients = (bands.reshape(-1, _BLOCK) @ _COSINES.T).reshape(-1, _BLOCK, width)
    coefficients *= np.abs(coefficients) >= limits[:, :width]
    bands = (coefficients.reshape(-1, _BLOCK) @ _COSINES).reshape(-1, _BLOCK, width)
    return np.asarray((_COSINES.T @ bands).reshape(height, width), np.float32)


def _build_cosines() -> NDArray[np.float32]:
    """Return the (8, 8) orthonormal matrix of the cosine transform (DCT-II)."""
    order = np.arange(_BLOCK)
    angles = (2 * order[None] + 1) * order[:, None] * np.pi / (2 * _BLOCK)
    matrix = np.cos(angles) * np.sqrt(2 / _BLOCK)
    matrix[0] /= np.sqrt(2)
    return np.asarray(matrix, np.float32)


_COSINES = _build_cosines()
