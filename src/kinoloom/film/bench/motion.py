"""How far things move in a triplet, and how evenly they move in what was made of it.

All motion here is measured by one fixed engine, `dis`, whichever engine is judged.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from kinoloom.base.arrays import Picture, to_float
from kinoloom.film.engine import EngineOptions
from kinoloom.film.engines.plain import PlainDis
from kinoloom.motion.flow import consistency, pixel_grid, sample

_SURE = float(np.exp(-1))
"""The limit of the consistency check of `motion.flow`'s source."""
_DIS = PlainDis(EngineOptions(memory_bytes=sys.maxsize))


def displacement_px(first: Picture, second: Picture) -> float:
    """The mean length of the flow from the first picture to the second, in pixels."""
    forward, _ = _DIS.flows(first, second)
    return float(np.hypot(forward[..., 0], forward[..., 1]).mean())


def warping_error(frames: Sequence[Picture]) -> float:
    """How unsteady successive frames are: what remains between them once motion is undone.

    For each two successive frames the flow from the one to the other is found, the other is
    warped back along it, and the absolute difference is averaged over colours and those pixels
    whose flow is consistent both ways; the result is the mean over all pairs. Flicker, jumps and
    things that melt raise it. A blur or a cross-fade does not: read it beside PSNR.

    Source: the warping error of Lai et al., "Learning blind video temporal consistency", ECCV
    2018; here absolute instead of squared, and with DIS flow between the frames that were made.

    Args:
        frames: two or more, (H, W, 3) uint8 of one size.

    Returns:
        In levels of 8 bits, 0 for frames that only move; NaN where no flow is consistent.
    """
    return float(np.mean([_left_over(first, second) for first, second in pairwise(frames)]))


def _left_over(first: Picture, second: Picture) -> float:
    forward, backward = _DIS.flows(first, second)
    sure = consistency(forward, backward) > _SURE
    back = sample(to_float(second), pixel_grid(*first.shape[:2]) + forward)
    difference = np.abs(back - to_float(first)).mean(axis=2)
    return float(difference[sure].mean() * 255) if sure.any() else float("nan")
