"""Exposure and banding."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kinoloom.base.arrays import Picture
from kinoloom.enhance.estimate.levels import to_grey_levels, to_rgb_levels

_RUN_PX = 8
"""Shortest band."""
_MAX_STEP = 2.0
"""Levels between two bands; larger steps are edges of the picture."""
_CLIPPED_LOW, _CLIPPED_HIGH = 1.0, 254.0


@dataclass(frozen=True)
class Exposure:
    """The distribution of brightness.

    Attributes:
        mean: of luma, 0..255.
        low, high: the 1st and the 99th percentile of luma, 0..255.
        dark_share, bright_share: share of pixels of which red, green and blue are all black, or
            one of them is at its maximum, 0..1.
    """

    mean: float
    low: float
    high: float
    dark_share: float
    bright_share: float


def measure_exposure(picture: Picture) -> Exposure:
    """Measure the distribution of brightness.

    Args:
        picture: (H, W, 3) or (H, W, 4), see `base.arrays`.

    Raises:
        ArrayError: not a picture.
    """
    levels, grey = to_rgb_levels(picture), to_grey_levels(picture)
    low, high = np.percentile(grey, [1, 99])
    return Exposure(
        float(grey.mean()),
        float(low),
        float(high),
        float((levels.max(axis=2) <= _CLIPPED_LOW).mean()),
        float((levels.max(axis=2) >= _CLIPPED_HIGH).mean()),
    )


def estimate_banding(picture: Picture) -> float:
    """Measure the share of a picture that consists of bands.

    A band is a run of at least 8 equal pixels in a row or column, next to another such run that is
    1 or 2 levels brighter or darker. Noise and dither break runs, and single-coloured areas have no
    such neighbour.

    Args:
        picture: (H, W, 3) or (H, W, 4), see `base.arrays`.

    Returns:
        In 0..1; a smooth gradient of 8 bits has nearly 1, a photo below 0.05.

    Raises:
        ArrayError: not a picture.
    """
    green = np.rint(to_rgb_levels(picture)[..., 1]).astype(np.int16)
    return float((_find_bands(green) | _find_bands(green.T).T).mean())


def _find_bands(plane: NDArray[np.int16]) -> NDArray[np.bool_]:
    """Return which pixels belong to a horizontal run with such a neighbour."""
    height, width = plane.shape
    flat = np.concatenate([plane, np.full((height, 1), -9, np.int16)], axis=1).ravel()
    starts = np.flatnonzero(np.diff(flat, prepend=np.int16(-99)))
    lengths = np.diff(starts, append=len(flat))
    values = flat[starts]
    is_long = (lengths >= _RUN_PX) & (values >= 0)
    steps = np.abs(np.diff(values))
    pairs = is_long[:-1] & is_long[1:] & (steps > 0) & (steps <= _MAX_STEP)
    is_band = np.zeros(len(starts), bool)
    is_band[:-1] |= pairs
    is_band[1:] |= pairs
    return np.repeat(is_band, lengths).reshape(height, width + 1)[:, :-1]
