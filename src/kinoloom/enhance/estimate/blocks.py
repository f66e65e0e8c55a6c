"""Blockiness: steps at the borders of the 8x8 blocks of JPEG and older video codecs."""

from __future__ import annotations

import numpy as np

from kinoloom.base.arrays import Picture
from kinoloom.enhance.estimate.levels import Values, to_grey_levels

BLOCK_PX = 8
_MAX_STEP = 40.0
"""Levels; larger second differences are edges of the picture, and count as this much."""


def find_grid(grey: Values) -> tuple[int, int]:
    """Return the row and the column, 0 to 7, at which the first complete block begins.

    Args:
        grey: (H, W) levels.
    """
    rows, columns = _profile(grey, 0), _profile(grey, 1)
    return int(np.argmax(rows)), int(np.argmax(columns))


def estimate_blockiness(picture: Picture) -> float:
    """Measure how much larger steps are at block borders than inside blocks.

    Args:
        picture: (H, W, 3) or (H, W, 4), see `base.arrays`.

    Returns:
        0 for none; 1 if steps at borders are twice as large. The mean of both directions, on the
        grid where it is largest; nan for pictures of fewer than 3 blocks a side.

    Raises:
        ArrayError: not a picture.
    """
    grey = to_grey_levels(picture)
    if min(grey.shape) < 3 * BLOCK_PX:
        return float("nan")
    ratios = []
    for axis in (0, 1):
        profile = _profile(grey, axis)
        others = np.delete(profile, np.argmax(profile))
        ratios.append(profile.max() / max(float(np.median(others)), 1e-3) - 1)
    return float(np.mean(ratios))


def _profile(grey: Values, axis: int) -> Values:
    """Return the mean step before the pixels k, k + 8, ..., for k = 0..7: (8,).

    A step is what a difference exceeds the mean of its two neighbours by, so that gradients do not
    count.
    """
    size = np.abs(np.diff(np.moveaxis(grey, axis, 0), axis=0))
    if len(size) < 3:
        return np.zeros(BLOCK_PX)
    steps = np.clip(size[1:-1] - (size[:-2] + size[2:]) / 2, 0, _MAX_STEP).mean(axis=1)
    before = (np.arange(len(steps)) + 2) % BLOCK_PX
    sums = np.bincount(before, steps, BLOCK_PX)
    return np.asarray(sums / np.maximum(np.bincount(before, minlength=BLOCK_PX), 1))
