"""The new frames of an engine, without their error estimates."""

from collections.abc import Sequence

from kinoloom.base.arrays import Picture
from kinoloom.film.engine import Interpolator


def render(
    engine: Interpolator, first: Picture, second: Picture, times: Sequence[float]
) -> list[Picture]:
    """Return one frame per time."""
    return [frame for frame, _ in engine.interpolate(first, second, times)]
