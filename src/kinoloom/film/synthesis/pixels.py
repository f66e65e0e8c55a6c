"""How engines without a network go through pictures: rows at a time, alpha multiplied in.

Colours are mixed multiplied by their alpha (premultiplied), so that what is transparent does not
bleed into what is not.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from kinoloom.base.arrays import Picture, from_float, to_float
from kinoloom.errors import ArrayError

_BAND_PX = 1 << 15
"""Small enough that a band's float32 colours stay in a processor's cache."""


def check_alike(first: Picture, second: Picture) -> None:
    """Check that two pictures can be woven together.

    Raises:
        ArrayError: they differ in shape or dtype.
    """
    if first.shape != second.shape or first.dtype != second.dtype:
        raise ArrayError(
            "Two pictures of one shape and dtype are needed, not "
            f"{first.shape} {first.dtype} and {second.shape} {second.dtype}."
        )


def bands(height: int, width: int) -> Iterator[tuple[int, int]]:
    """Split a picture's rows into bands: (first row, row after the last)."""
    rows = max(1, _BAND_PX // width)
    for top in range(0, height, rows):
        yield top, min(top + rows, height)


def premultiplied(picture: Picture) -> NDArray[np.float32]:
    """The picture as (H, W, C) float32 in 0..1, colours multiplied by alpha where it has one."""
    planes = to_float(picture)
    if planes.shape[2] == 3:
        return planes
    alpha = planes[..., 3:]
    return np.concatenate([planes[..., :3] * alpha, alpha], axis=2)


def straight(planes: NDArray[np.float32], like: Picture) -> Picture:
    """Undo `premultiplied`, in the dtype of `like`; fully transparent pixels become black."""
    if planes.shape[2] == 3:
        return from_float(planes, like.dtype)
    alpha = planes[..., 3:]
    colour = np.divide(planes[..., :3], alpha, out=np.zeros_like(planes[..., :3]), where=alpha > 0)
    return from_float(np.concatenate([colour, alpha], axis=2), like.dtype)
