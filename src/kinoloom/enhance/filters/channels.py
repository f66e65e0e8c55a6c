"""Channels of gamma-encoded pictures as planes.

Planes are processed with contiguous arrays, which is several times faster than arrays whose last
axis has three elements.

Source of the luma: ITU-R BT.601 (weights of red, green and blue), as in JPEG.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]
"""(H, W) float32."""
Colors = NDArray[np.float32]
"""(H, W, 3) float32 RGB in 0..1."""

LUMA_WEIGHTS = (0.299, 0.587, 0.114)
_ROW = np.array([LUMA_WEIGHTS], np.float32)


def find_luma(picture: Colors) -> Plane:
    """Return the (H, W) luma of a (H, W, 3) picture."""
    return np.asarray(cv2.transform(picture, _ROW), np.float32).reshape(picture.shape[:2])


def find_largest(picture: Colors) -> Plane:
    """Return the (H, W) largest of the three channels."""
    red, green, blue = split(picture)
    return np.maximum(np.maximum(red, green), blue)


def split(picture: Colors) -> list[Plane]:
    """Return the channels of a (H, W, 3) picture as contiguous planes."""
    return [np.asarray(plane, np.float32) for plane in cv2.split(picture)]


def merge(planes: list[Plane]) -> Colors:
    """Return the (H, W, 3) picture of three planes."""
    return np.asarray(cv2.merge(planes), np.float32)


def repeat(plane: Plane) -> Colors:
    """Return a (H, W, 3) picture whose channels are all this plane."""
    return merge([plane] * 3)


def find_green_change(red_change: Plane, blue_change: Plane) -> Plane:
    """Return the change of green with which the luma stays the same."""
    red, green, blue = LUMA_WEIGHTS
    return np.asarray((red * red_change + blue * blue_change) * (-1 / green), np.float32)


def reduce(plane: Plane, factor: int) -> Plane:
    """Return the means of squares of pixels; the last row and column are repeated if needed.

    Args:
        plane: (H, W) float32.
        factor: side of the squares, at least 1.

    Returns:
        (ceil(H / factor), ceil(W / factor)) float32.
    """
    if factor == 1:
        return plane
    height, width = plane.shape
    bottom, right = -height % factor, -width % factor
    if bottom or right:
        plane = np.asarray(
            cv2.copyMakeBorder(plane, 0, bottom, 0, right, cv2.BORDER_REPLICATE), np.float32
        )
    size = (plane.shape[1] // factor, plane.shape[0] // factor)
    return np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_AREA), np.float32)


def enlarge(plane: Plane, factor: int, shape: tuple[int, ...]) -> Plane:
    """Undo the change of size of `reduce`, by bilinear interpolation.

    Args:
        plane: the reduced plane.
        factor: as in `reduce`.
        shape: (H, W) of the result.
    """
    if factor == 1:
        return plane
    size = (plane.shape[1] * factor, plane.shape[0] * factor)
    full = cv2.resize(plane, size, interpolation=cv2.INTER_LINEAR)
    return np.asarray(full, np.float32)[: shape[0], : shape[1]]
