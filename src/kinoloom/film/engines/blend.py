"""A cross-fade: the fallback for photos of different scenes, and a baseline of `bench film`.

Gamma-encoded values are averaged, so its midpoint is the "mean of both frames" row of published
tables.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kinoloom.base.arrays import Picture
from kinoloom.film.engine import Engine, EngineOptions, NewFrames
from kinoloom.film.synthesis.pixels import (
    check_same_format,
    premultiply_alpha,
    split_bands,
    unpremultiply_alpha,
)

_WORKING_BYTES = 8_000_000
"""Memory of a band of rows."""


class Blend:
    """A cross-fade of two images; see `film.engine.Interpolator`.

    Args:
        options: not used; the memory needed beyond the images is negligible.
    """

    def __init__(self, options: EngineOptions) -> None:
        self.options = options

    def interpolate(self, first: Picture, second: Picture, times: Sequence[float]) -> NewFrames:
        """Yield one cross-faded frame per time; identical images are returned as they are.

        Raises:
            ArrayError: the images differ in shape or dtype.
        """
        check_same_format(first, second)
        if np.array_equal(first, second):
            yield from ((first.copy(), None) for _ in times)
            return
        for time in times:
            yield _cross_fade(first, second, np.float32(time)), None

    def estimate_flow(self, first: Picture, second: Picture) -> None:
        """Return None: a cross-fade estimates no motion."""


def _cross_fade(first: Picture, second: Picture, time: np.float32) -> Picture:
    frame = np.empty_like(first)
    for top, bottom in split_bands(*first.shape[:2]):
        before, after = (premultiply_alpha(image[top:bottom]) for image in (first, second))
        frame[top:bottom] = unpremultiply_alpha((1 - time) * before + time * after, like=first)
    return frame


BLEND = Engine(
    name="blend",
    summary="cross-fade of the two frames, without motion",
    rank=10,
    build=Blend,
    missing=lambda options: "",
    min_memory_bytes=0,
    estimate_memory=lambda pictures, options: _WORKING_BYTES + 2 * pictures.nbytes,
)
