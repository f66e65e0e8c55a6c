"""What engines do alike with a pair of pictures before they look at it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from kinoloom.base.arrays import Picture
from kinoloom.film.engine import ErrorMap
from kinoloom.film.synthesis.pixels import check_alike

Judged = Iterator[tuple[Picture, ErrorMap]]
Frames = Callable[[Picture, Picture, Sequence[float]], Judged]


def judged_frames(
    first: Picture, second: Picture, times: Sequence[float], frames: Frames
) -> Judged:
    """Each new picture with its expected error; equal pictures give themselves.

    Args:
        first, second, times: see `film.engine.Interpolator`.
        frames: makes them of contiguous pictures that are not equal.

    Raises:
        ArrayError: the pictures differ in shape or dtype.
    """
    check_alike(first, second)
    if np.array_equal(first, second):
        yield from ((first.copy(), np.zeros((1, 1), np.float32)) for _ in times)
        return
    yield from frames(np.ascontiguousarray(first), np.ascontiguousarray(second), times)
