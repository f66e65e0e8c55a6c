"""The engine `blend`: a cross-fade, the baseline of all and what two different scenes get.

The mix is of the stored (gamma-encoded) values, so that its middle is the "mean of both frames"
row of the field's tables.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from kinoloom.base.arrays import Picture
from kinoloom.film.engine import Engine, EngineOptions
from kinoloom.film.synthesis.pixels import bands, check_alike, premultiplied, straight


class Blend:
    """Mixes two pictures by their distance in time; see `film.engine.Interpolator`.

    Args:
        options: not used: beside the pictures next to nothing is held.
    """

    def __init__(self, options: EngineOptions) -> None:
        self.options = options

    def between(self, first: Picture, second: Picture, times: Sequence[float]) -> Iterator[Picture]:
        """Yield one mix for each time; equal pictures give themselves.

        Raises:
            ArrayError: the pictures differ in shape or dtype.
        """
        check_alike(first, second)
        if np.array_equal(first, second):
            yield from (first.copy() for _ in times)
            return
        for time in times:
            yield _mixed(first, second, np.float32(time))

    def between_with_errors(self, first: Picture, second: Picture, times: Sequence[float]) -> None:
        """It cannot tell where it errs."""

    def flows(self, first: Picture, second: Picture) -> None:
        """A cross-fade knows no motion."""


def _mixed(first: Picture, second: Picture, time: np.float32) -> Picture:
    made = np.empty_like(first)
    for top, bottom in bands(*first.shape[:2]):
        before, after = (premultiplied(picture[top:bottom]) for picture in (first, second))
        made[top:bottom] = straight((1 - time) * before + time * after, like=first)
    return made


BLEND = Engine(
    name="blend",
    summary="cross-fade of the two frames, no motion",
    rank=10,
    make=Blend,
    missing=lambda options: "",
    least_bytes=0,
)
