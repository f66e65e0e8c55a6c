"""The filter `Deblock`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from kinoloom.base.options import option
from kinoloom.enhance.filters.channels import Colors
from kinoloom.enhance.filters.deblock import borders, transform
from kinoloom.enhance.filters.filter import Context, Filter

Method = Literal["transform", "borders"]

_MODERATE_QUALITY = 50
_MEAN_STEP = 16 / 8 / 255
"""Quantization step of the mean of a block at quality 50, of a picture in 0..1."""


@dataclass(frozen=True)
class Deblock(Filter):
    """Removes the errors of block compression; at quality 100 it changes nothing."""

    quality: int | None = option(None, "JPEG quality; measured, or 50 if unknown", low=1, high=100)
    method: Method = option(
        "transform", "Shifted transforms, or the borders of blocks only, which is faster"
    )

    @property
    def reach_px(self) -> int:
        """See `Filter`."""
        return transform.REACH_PX if self.method == "transform" else borders.REACH_PX

    def _filter(self, picture: Colors, context: Context) -> Colors:
        scale = quantization_scale(self.quality or context.jpeg_quality or _MODERATE_QUALITY)
        if scale == 0:
            return picture
        if self.method == "transform":
            result = transform.average_shifts(picture, context.origin, scale)
        else:
            result = borders.smooth_borders(picture, context.origin, scale * _MEAN_STEP)
        if self.strength == 1:
            return result
        return np.asarray(picture + np.float32(self.strength) * (result - picture), np.float32)


def quantization_scale(quality: int) -> float:
    """Return the factor of the JPEG quantization tables, as libjpeg computes it.

    Args:
        quality: 1..100; the factor is 1 at 50 and 0 at 100.
    """
    return 50 / quality if quality < 50 else 2 - quality / 50
