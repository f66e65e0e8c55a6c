"""Low light: brighten dark areas by an illumination map that follows edges.

The illumination is the largest channel, smoothed by the guided filter. Each pixel is multiplied by
one gain for all channels, so that hue and saturation stay, and never beyond the point at which a
channel clips. The gain is bounded, also by the noise that it would amplify.

Source of the illumination model: Guo, Li and Ling, "LIME: low-light image enhancement via
illumination map estimation", IEEE TIP 26(2), 2017, here without its optimization.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kinoloom.base.options import option
from kinoloom.enhance.filters.channels import Colors, Plane, find_largest, repeat
from kinoloom.enhance.filters.filter import Context, Filter
from kinoloom.enhance.filters.guided import smooth_guided

_RADIUS_PX = 24
_REDUCTION = 4
_EPS = 4e-3
_MAX_EXPONENT = 0.8
"""Of the illumination, at full strength and in the dark; 0 in the light."""
_DARKEST = 0.02
"""Floor of the illumination: black stays black."""


@dataclass(frozen=True)
class LowLight(Filter):
    """Brightens dark areas, and no others."""

    strength: float = option(0.5, "Amount of brightening", low=0, high=1)
    max_gain: float = option(4.0, "Highest gain", low=1, high=16)
    max_noise: float = option(0.04, "Highest noise after brightening", low=0, high=1)

    @property
    def reach_px(self) -> int:
        """See `Filter`."""
        return 2 * _RADIUS_PX + 3 * _REDUCTION

    def _filter(self, picture: Colors, context: Context) -> Colors:
        brightest = find_largest(picture)
        gain = self._find_gain(brightest, context)
        limit = np.float32(1) / np.maximum(brightest, np.float32(1e-6))
        np.minimum(gain, np.maximum(limit, 1), out=gain)
        return picture * repeat(gain)

    def _find_gain(self, brightest: Plane, context: Context) -> Plane:
        (light,) = smooth_guided(brightest, [brightest], _RADIUS_PX, _EPS, _REDUCTION)
        light = np.clip(light, _DARKEST, 1)
        bound = self.max_gain
        if context.noise > 0:
            bound = min(bound, max(1.0, self.max_noise / context.noise))
        exponent = np.float32(-_MAX_EXPONENT * self.strength) * (1 - light)
        extra = np.expm1(exponent * np.log(light))
        room = np.float32(bound - 1)
        return np.asarray(1 + extra * room / (extra + room + np.float32(1e-6)), np.float32)
