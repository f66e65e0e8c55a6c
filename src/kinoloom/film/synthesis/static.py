"""Static regions: where both images are equal to within a level, a new frame equals them.

Estimated motion is never exactly zero, so a new frame would differ slightly from its neighbours,
and a still background would flicker.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from kinoloom.base.arrays import Picture, from_float, to_float
from kinoloom.film.synthesis.pixels import split_bands

_WINDOW_PX = 9
"""Both images must agree in a square of this side around a pixel."""
_MAX_DIFFERENCE = 1 / 255


class StaticPixels:
    """The static pixels of a pair of images.

    Args:
        first, second: (H, W, C) of one shape and dtype.
    """

    def __init__(self, first: Picture, second: Picture) -> None:
        self._pair = first, second
        height, width = first.shape[:2]
        margin = _WINDOW_PX // 2
        self._bands: list[tuple[slice, NDArray[np.bool_]]] = []
        for top, bottom in split_bands(height, width):
            seen = slice(max(0, top - margin), min(height, bottom + margin))
            is_static = find_static_pixels(first[seen], second[seen])
            own = is_static[top - seen.start : bottom - seen.start]
            if own.any():
                self._bands.append((slice(top, bottom), own.copy()))

    def copy_to(self, frame: Picture, time: float) -> None:
        """Replace the static pixels of a frame at a time, in place, by the mean of both images."""
        for rows, own in self._bands:
            one, other = (to_float(image[rows][own]) for image in self._pair)
            mean = np.float32(1 - time) * one + np.float32(time) * other
            frame[rows][own] = from_float(mean, frame.dtype)


def find_static_pixels(first: Picture, second: Picture) -> NDArray[np.bool_]:
    """Return the pixels around which two images of one format are equal to within a level."""
    difference = cv2.absdiff(first, second)
    scale = np.iinfo(first.dtype).max if first.dtype.kind == "u" else 1
    differs = (difference > _MAX_DIFFERENCE * scale * (1 + 1e-6)).any(axis=2)
    window = np.ones((_WINDOW_PX, _WINDOW_PX), np.uint8)
    return np.asarray(cv2.dilate(np.asarray(differs, np.uint8), window) == 0)
