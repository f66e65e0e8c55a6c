"""Samples of pictures at positions between their pixels, in levels.

The levels of a picture are its own values: 0..255 for uint8, 0..1 for float32. A picture with alpha
is premultiplied by it, in 0..1.
"""

from __future__ import annotations

from math import ceil, floor
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from kinoloom.base.arrays import Picture
from kinoloom.film.synthesis.pixels import premultiply_alpha
from kinoloom.motion.flow import Field, Kernel

_KERNELS = {"bilinear": cv2.INTER_LINEAR, "cubic": cv2.INTER_CUBIC}
_REACH_PX = {"bilinear": 1, "cubic": 2}
"""Rows beyond the outermost positions, rounded outwards, that a kernel may use."""


def sample_levels(picture: Picture, x: Field, y: Field, kernel: Kernel) -> NDArray[np.float32]:
    """Sample a picture at positions in pixels; edges are repeated.

    OpenCV samples integers bilinearly in a third of the time if there are four channels, and
    floats with a cubic kernel in half the time. The overshoot of that is clipped.

    Args:
        picture: (H, W, C); only the rows around the positions are converted.
        x, y: (h, w) each.
        kernel: of the samples.

    Returns:
        (h, w, C), in levels.
    """
    if picture.shape[2] == 3 and picture.dtype == np.float32:
        part = picture
    else:
        picture, y = _crop_rows(picture, y, _REACH_PX[kernel])
        part = _convert(picture, kernel)
    samples = cv2.remap(part, x, y, _KERNELS[kernel], borderMode=cv2.BORDER_REPLICATE)
    if kernel == "cubic":
        np.clip(samples, 0, np.float32(top_level(picture)), out=samples)
    if samples.shape[2] != picture.shape[2]:
        samples = cv2.cvtColor(samples, cv2.COLOR_RGBA2RGB)
    return np.asarray(samples, np.float32)


def top_level(picture: Picture) -> float:
    """Return the level that represents 1."""
    is_integer = picture.shape[2] == 3 and picture.dtype.kind == "u"
    return float(np.iinfo(picture.dtype).max) if is_integer else 1.0


def round_levels(colors: Field, dtype: np.dtype[Any]) -> Picture:
    """Return the levels of a picture without alpha in its dtype."""
    if dtype.kind == "f":
        return np.clip(colors, 0, 1)
    if dtype == np.uint8:
        return np.asarray(cv2.convertScaleAbs(colors))
    return np.asarray(np.rint(np.clip(colors, 0, np.float32(np.iinfo(dtype).max))), dtype)


def _crop_rows(picture: Picture, y: Field, reach: int) -> tuple[Picture, Field]:
    """Return the rows of a picture around some positions, and the positions in them."""
    last = len(picture) - 1
    top = min(max(floor(y.min()) - reach + 1, 0), last)
    bottom = min(max(ceil(y.max()) + reach - 1, 0), last) + 1
    return picture[top:bottom], y - np.float32(top)


def _convert(picture: Picture, kernel: Kernel) -> Picture:
    """Return a picture in the format that OpenCV samples fastest."""
    if picture.shape[2] == 4:
        return premultiply_alpha(picture)
    if kernel == "bilinear":
        return np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2RGBA))
    return np.asarray(picture, np.float32)
