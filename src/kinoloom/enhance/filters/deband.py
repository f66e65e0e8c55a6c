"""Debanding: smooth gradients in place of steps, with dither against new ones.

A wide blur reproduces a linear gradient exactly, whatever its slope, and removes the steps of
rounding and compression from it. It replaces the picture where the two differ by little in the
whole neighbourhood, so that gradients are kept and texture and edges are not touched. A second,
narrower blur treats the strips next to edges. The dither is a function of position and seed.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from kinoloom.base.options import option
from kinoloom.enhance.filters.channels import Colors, Plane, repeat, split
from kinoloom.enhance.filters.dither import tile_dither
from kinoloom.enhance.filters.filter import Context, Filter

_UNCHANGED = 1e-4
"""A smaller difference from the blur, in 8-bit levels, is rounding in a flat area."""


@dataclass(frozen=True)
class Deband(Filter):
    """Replaces visible steps in smooth areas by gradients."""

    radius: int = option(16, "Radius of the blur", low=2, high=64, unit="px")
    threshold: float = option(1.5, "Height of a step, in 8-bit levels", low=0.1, high=16)
    dither: bool = option(True, "Dither what changes")

    @property
    def reach_px(self) -> int:
        """See `Filter`."""
        return 2 * self.radius + 2

    def _filter(self, picture: Colors, context: Context) -> Colors:
        result = picture.copy()
        share = np.zeros(picture.shape[:2], np.float32)
        for radius in (self.radius, max(1, self.radius // 2)):
            difference = _blur(picture, radius)
            difference -= picture
            weight = self._weigh(difference, radius) * np.float32(self.strength)
            new = np.maximum(weight - share, 0)
            difference *= repeat(new)
            result += difference
            share += new
        if self.dither and context.bits is not None:
            pattern = tile_dither(share.shape, context.origin, context.seed)
            share /= np.float32(2**context.bits - 1)
            pattern *= repeat(share)
            result += pattern
        return result

    def _weigh(self, difference: Colors, radius: int) -> Plane:
        """Return 1 where only steps differ, 0 near edges, texture and exactly flat areas."""
        planes = [np.abs(plane) for plane in split(difference)]
        worst = np.maximum(np.maximum(planes[0], planes[1]), planes[2]) * np.float32(255)
        side = 2 * (radius // 2) + 1
        nearby = cv2.dilate(worst, np.ones((side, side), np.uint8))
        weight = np.clip(2 - nearby / np.float32(self.threshold), 0, 1)
        weight[nearby < _UNCHANGED] = 0
        return np.asarray(cv2.blur(weight, (5, 5)), np.float32)


def _blur(picture: Colors, radius: int) -> Colors:
    side = 2 * max(1, radius // 2) + 1
    for _ in range(2):
        picture = np.asarray(
            cv2.blur(picture, (side, side), borderType=cv2.BORDER_REFLECT_101), np.float32
        )
    return picture
