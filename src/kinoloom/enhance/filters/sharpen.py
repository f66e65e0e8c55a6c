"""Sharpening by an unsharp mask with a halo limit.

The detail of the luma is added to all channels, which keeps the colour of edges. Each channel is
then limited to the range of its 3x3 neighbourhood in the original, widened by a margin, so that
edges become steeper without bright or dark borders. Weak detail, which is mostly noise, is not
amplified.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from kinoloom.base.options import option
from kinoloom.enhance.filters.channels import Colors, find_luma, repeat
from kinoloom.enhance.filters.filter import Context, Filter

_MAX_AMOUNT = 2.0
_NEIGHBORS = np.ones((3, 3), np.uint8)
_MIN_THRESHOLD = 0.5 / 255


@dataclass(frozen=True)
class Sharpen(Filter):
    """Steepens edges without halos."""

    strength: float = option(0.5, "Amount of sharpening", low=0, high=1)
    radius: float = option(1.0, "Standard deviation of the blur", low=0.3, high=5, unit="px")
    margin: float = option(0.01, "Allowed excess over the local range", low=0, high=1)
    threshold: float = option(0.008, "Detail that counts as noise", low=0, high=0.2)

    @property
    def reach_px(self) -> int:
        """See `Filter`."""
        return max(1, math.ceil(4 * self.radius))

    def _filter(self, picture: Colors, context: Context) -> Colors:
        luma = find_luma(picture)
        side = 2 * self.reach_px + 1
        blurred = cv2.GaussianBlur(
            luma, (side, side), self.radius, borderType=cv2.BORDER_REFLECT_101
        )
        detail = luma - blurred
        threshold = max(self.threshold, 2 * context.noise, _MIN_THRESHOLD)
        power = detail * detail
        detail *= power / (power + np.float32(threshold**2))
        detail *= np.float32(self.strength * _MAX_AMOUNT)
        low = cv2.erode(picture, _NEIGHBORS, borderType=cv2.BORDER_REPLICATE)
        high = cv2.dilate(picture, _NEIGHBORS, borderType=cv2.BORDER_REPLICATE)
        margin = np.float32(self.margin)
        result = repeat(detail)
        result += picture
        np.maximum(result, low - margin, out=result)
        return np.asarray(np.minimum(result, high + margin, out=result), np.float32)
