"""Headroom: colours outside 0..1 on their way through an engine.

Video stores colours that no display shows, mostly from compression: darker than black in one
channel, or brighter than white. Clipping them would make new frames brighter or duller than the
frames around them. Engines accept colours in 0..1, so those of a pair are scaled into that range,
and those of its new frames back.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kinoloom.base.arrays import Picture
from kinoloom.base.clip import Color, Frame
from kinoloom.media.frames.exact import read_exact

_MAX_EXCESS = 0.25
"""Colours further outside are clipped, so that others keep their contrast."""


@dataclass(frozen=True)
class Headroom:
    """The range of the colours of a pair.

    Attributes:
        low, high: at most 0 and at least 1.
    """

    low: float
    high: float

    @staticmethod
    def of(*images: Picture) -> Headroom:
        """Return the range of float32 pictures."""
        low = min(float(image[..., :3].min()) for image in images)
        high = max(float(image[..., :3].max()) for image in images)
        return Headroom(min(0.0, max(low, -_MAX_EXCESS)), max(1.0, min(high, 1 + _MAX_EXCESS)))

    def compress(self, image: Picture) -> Picture:
        """Return a float32 picture with its colours in 0..1."""
        span = self.high - self.low
        return np.clip(self._rescale(image, 1 / span, -self.low / span), 0.0, 1.0)

    def expand(self, image: Picture) -> Picture:
        """Undo `compress`."""
        return self._rescale(image, self.high - self.low, self.low)

    def _rescale(self, image: Picture, factor: float, offset: float) -> Picture:
        scaled = image.copy()
        colors = scaled[..., :3]
        colors *= np.float32(factor)
        colors += np.float32(offset)
        return scaled


def widen_pair(
    first: Frame, second: Frame, color: Color
) -> tuple[tuple[Picture, Picture], Headroom | None]:
    """Return the pictures of two frames for an engine, as exact as the source has them.

    Args:
        first, second: frames of a clip.
        color: its colours.

    Returns:
        The pictures, and how to restore their colours in new frames; None if the frames' own
        pictures are exact.
    """
    before, after = read_exact(first, color), read_exact(second, color)
    if before is None or after is None:
        return (first.image, second.image), None
    headroom = Headroom.of(before, after)
    return (headroom.compress(before), headroom.compress(after)), headroom
