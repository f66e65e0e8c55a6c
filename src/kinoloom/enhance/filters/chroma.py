"""Chroma denoising: smooth the colour differences where the luma is smooth.

Cb and Cr pass the guided filter with the luma as guide. Changes larger than noise can explain are
edges between colours of equal luma, and are withdrawn. The luma does not change, and neither does
its sharpness.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kinoloom.base.options import option
from kinoloom.enhance.filters.channels import (
    Colors,
    Plane,
    find_green_change,
    find_luma,
    merge,
    split,
)
from kinoloom.enhance.filters.filter import Context, Filter
from kinoloom.enhance.filters.guided import smooth_guided

_REDUCTION = 2
_LUMA_EPS = 1e-3
_KEPT_SIGMAS = 3.0


@dataclass(frozen=True)
class ChromaDenoise(Filter):
    """Removes colour noise and leaves the luma as it is."""

    radius: int = option(8, "Radius of the filter", low=1, high=64, unit="px")
    noise: float = option(0.03, "Colour noise, unless measured", low=0.001, high=0.5)

    @property
    def reach_px(self) -> int:
        """See `Filter`."""
        return 2 * self.radius + 4 * _REDUCTION

    def _filter(self, picture: Colors, context: Context) -> Colors:
        luma = find_luma(picture)
        red, _, blue = split(picture)
        red, blue = red - luma, blue - luma
        smooth = smooth_guided(luma, [blue, red], self.radius, _LUMA_EPS, _REDUCTION)
        limit = _KEPT_SIGMAS * (context.noise or self.noise)
        blue_change, red_change = (
            self._limit(new - old, limit) for new, old in zip(smooth, (blue, red), strict=True)
        )
        green_change = find_green_change(red_change, blue_change)
        return merge([red_change, green_change, blue_change]) + picture

    def _limit(self, change: Plane, limit: float) -> Plane:
        """Withdraw changes beyond the limit smoothly."""
        ratio = change * np.float32(1 / limit)
        ratio *= ratio
        return np.float32(self.strength) * change * np.exp(-ratio * ratio)
