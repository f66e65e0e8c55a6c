"""The engine `blend`: a cross-fade, the baseline of all and what two different scenes get.

The mix is of the stored (gamma-encoded) values, so that its middle is the "mean of both frames"
row of the field's tables.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from kinoloom.base.arrays import Picture, from_float, to_float
from kinoloom.film.engine import Engine, EngineOptions, Flow


class Blend:
    """Mixes two pictures by their distance in time; see `film.engine.Interpolator`."""

    def __init__(self, options: EngineOptions) -> None:
        self.options = options

    def between(
        self, first: Picture, second: Picture, times: Sequence[float]
    ) -> Iterator[Picture]:
        """One mix for each time."""
        for time in times:
            weight = np.float32(time)
            mix = (1 - weight) * to_float(first) + weight * to_float(second)
            yield from_float(mix, first.dtype)

    def flows(self, first: Picture, second: Picture) -> tuple[Flow, Flow] | None:
        """A cross-fade knows no motion."""
        return None


BLEND = Engine(
    name="blend",
    summary="cross-fade of the two frames, no motion",
    rank=10,
    make=Blend,
    missing=lambda options: "",
    bytes_per_pixel=48,
)
