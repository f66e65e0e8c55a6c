"""The size of the motion in a triplet, and the temporal consistency of interpolated frames.

All motion is measured by one fixed engine, `dis`, whichever engine is evaluated.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from kinoloom.base.arrays import Picture, to_float
from kinoloom.film.engine import EngineOptions
from kinoloom.film.engines.dis import PlainDis
from kinoloom.motion.flow import consistency, pixel_grid, sample

_MIN_CONSISTENCY = float(np.exp(-1))
"""The threshold of the consistency check in the source of `motion.flow`."""
_DIS = PlainDis(EngineOptions(memory_bytes=sys.maxsize))


def measure_displacement_px(first: Picture, second: Picture) -> float:
    """Return the mean length of the flow from the first image to the second, in pixels."""
    forward, _ = _DIS.estimate_flow(first, second)
    return float(np.hypot(forward[..., 0], forward[..., 1]).mean())


def measure_warping_error(frames: Sequence[Picture]) -> float:
    """Measure the temporal inconsistency of consecutive frames.

    For each pair of consecutive frames, the second is warped back along the flow, and the
    absolute difference is averaged over colours and over pixels with a consistent flow; the
    result is the mean over all pairs. Flicker, jumps and melting shapes raise it. Blur and
    cross-fades do not, so it complements PSNR.

    Source: the warping error of Lai et al., "Learning blind video temporal consistency", ECCV
    2018; here absolute instead of squared, and with DIS flow between the interpolated frames.

    Args:
        frames: two or more, (H, W, 3) uint8 of one size.

    Returns:
        In 8-bit levels, 0 for pure motion; NaN if no flow is consistent.
    """
    return float(np.mean([_compare_after_warping(*pair) for pair in pairwise(frames)]))


def _compare_after_warping(first: Picture, second: Picture) -> float:
    forward, backward = _DIS.estimate_flow(first, second)
    is_consistent = consistency(forward, backward) > _MIN_CONSISTENCY
    warped = sample(to_float(second), pixel_grid(*first.shape[:2]) + forward)
    difference = np.abs(warped - to_float(first)).mean(axis=2)
    if not is_consistent.any():
        return float("nan")
    return float(difference[is_consistent].mean() * 255)
