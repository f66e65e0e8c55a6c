"""Pictures as 8-bit levels, the unit of all estimates."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kinoloom.base.arrays import Picture, check_picture, to_float

Values = NDArray[np.float64]

_WEIGHTS = (0.299, 0.587, 0.114)
"""Of red, green and blue in the luma of JPEG files (BT.601, full range)."""


def to_rgb_levels(picture: Picture) -> Values:
    """Return the colours of a picture, (H, W, 3) in 0..255; alpha is ignored.

    Raises:
        ArrayError: not a picture.
    """
    return np.asarray(to_float(check_picture(picture))[..., :3] * np.float64(255))


def to_grey_levels(picture: Picture) -> Values:
    """Return the full-range BT.601 luma of a picture, (H, W) in 0..255; alpha is ignored.

    Raises:
        ArrayError: not a picture.
    """
    return np.asarray(to_rgb_levels(picture) @ np.array(_WEIGHTS))
