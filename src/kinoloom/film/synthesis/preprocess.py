"""Preprocessing of a pair of images that all engines share."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from kinoloom.base.arrays import Picture
from kinoloom.film.engine import NewFrames
from kinoloom.film.synthesis.pixels import check_same_format

Interpolate = Callable[[Picture, Picture, Sequence[float]], NewFrames]


def interpolate_pair(
    first: Picture, second: Picture, times: Sequence[float], interpolate: Interpolate
) -> NewFrames:
    """Check a pair, then interpolate it; identical images are returned as they are.

    Args:
        first, second, times: see `film.engine.Interpolator`.
        interpolate: called with contiguous images that differ.

    Raises:
        ArrayError: the images differ in shape or dtype.
    """
    check_same_format(first, second)
    if np.array_equal(first, second):
        yield from ((first.copy(), np.zeros((1, 1), np.float32)) for _ in times)
        return
    yield from interpolate(np.ascontiguousarray(first), np.ascontiguousarray(second), times)
