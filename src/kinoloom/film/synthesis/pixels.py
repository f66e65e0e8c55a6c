"""Bands of rows and premultiplied alpha.

Colours are blended premultiplied by alpha, so that hidden colours of transparent pixels do not
bleed into their neighbours.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from kinoloom.base.arrays import Picture, from_float, to_float
from kinoloom.errors import ArrayError

_BAND_PX = 1 << 15
"""A band's float32 colours then fit in the processor cache."""


def check_same_format(first: Picture, second: Picture) -> None:
    """Check that two images have the same shape and dtype.

    Raises:
        ArrayError: they differ.
    """
    if first.shape != second.shape or first.dtype != second.dtype:
        raise ArrayError(
            "The two images must have the same shape and dtype, not "
            f"{first.shape} {first.dtype} and {second.shape} {second.dtype}."
        )


def split_bands(height: int, width: int) -> Iterator[tuple[int, int]]:
    """Yield the bands of an image as (first row, row after the last)."""
    rows = max(1, _BAND_PX // width)
    for top in range(0, height, rows):
        yield top, min(top + rows, height)


def premultiply_alpha(image: Picture) -> NDArray[np.float32]:
    """Return the image as (H, W, C) float32 in 0..1, colours multiplied by alpha if it has one."""
    planes = to_float(image)
    if planes.shape[2] == 3:
        return planes
    alpha = planes[..., 3:]
    return np.concatenate([planes[..., :3] * alpha, alpha], axis=2)


def unpremultiply_alpha(planes: NDArray[np.float32], like: Picture) -> Picture:
    """Undo `premultiply_alpha`, in the dtype of `like`; transparent pixels become black."""
    if planes.shape[2] == 3:
        return from_float(planes, like.dtype)
    alpha = planes[..., 3:]
    color = np.divide(planes[..., :3], alpha, out=np.zeros_like(planes[..., :3]), where=alpha > 0)
    return from_float(np.concatenate([color, alpha], axis=2), like.dtype)
