"""White balance by the grey-edge hypothesis: edges are grey on average.

A gain multiplies all tones of its channel, but rolls off just below white: what is clipped in the
picture stays white instead of taking on the opposite cast. The gains are bounded, and keep the mean
luma of the edges.

Source: van de Weijer, Gevers and Gijsenij, "Edge-based color constancy", IEEE TIP 16(9), 2007, with
first derivatives and Minkowski norm 6.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from kinoloom.base.options import option
from kinoloom.enhance.filters.channels import LUMA_WEIGHTS, Colors
from kinoloom.enhance.filters.filter import Context, Filter
from kinoloom.enhance.filters.tables import LEVELS, Table, add_offsets

T = TypeVar("T", np.float32, np.float64)
Gains = tuple[float, float, float]
"""Red, green and blue."""

_SIDE_PX = 256
_SIGMA_PX = 1.0
_NORM = 6
_ROUNDS = 4
_SHOULDER = 8
"""Exponent of the roll-off; `motion.exposure` has the same form with 2."""
_CLIPPED = 0.98
_MIN_EDGE = 1 / 255
_LUMA = np.array(LUMA_WEIGHTS)


@dataclass(frozen=True)
class WhiteBalance(Filter):
    """Removes a colour cast."""

    max_gain: float = option(1.5, "Highest gain of a channel", low=1, high=4)

    @property
    def reach_px(self) -> None:
        """See `Filter`; with gains in the context, each pixel is independent."""
        return

    def _filter(self, picture: Colors, context: Context) -> Colors:
        gains = context.gains or estimate_gains(picture, self.max_gain)
        bounded = np.clip(gains, 1 / self.max_gain, self.max_gain)
        if (bounded == 1).all():
            return picture
        return add_offsets(picture, _build_table(tuple(bounded.tolist()), self.strength))


def estimate_gains(picture: Colors, max_gain: float = 1.5) -> Gains:
    """Estimate the gains that make edges grey.

    Args:
        picture: (H, W, 3) float32 in 0..1.
        max_gain: bound of each gain, and of its inverse.

    Returns:
        (red, green, blue), each in 1/max_gain..max_gain; ones if the picture has no edges.
    """
    factor = min(1.0, _SIDE_PX / max(picture.shape[:2]))
    height, width = (max(1, round(side * factor)) for side in picture.shape[:2])
    small = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
    use = cv2.dilate((small.max(axis=2) > _CLIPPED).astype(np.uint8), np.ones((5, 5), np.uint8))
    gains = np.ones(3)
    for _ in range(_ROUNDS):
        edges = _measure_edges(_apply_gains(np.asarray(small, np.float32), gains), use == 0)
        if edges.min() < _MIN_EDGE:
            return 1.0, 1.0, 1.0
        gains *= (_LUMA @ edges) / edges
        gains = np.clip(gains, 1 / max_gain, max_gain)
    return float(gains[0]), float(gains[1]), float(gains[2])


def _measure_edges(picture: Colors, use: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the Minkowski mean of the gradient of each channel."""
    smooth = cv2.GaussianBlur(picture, (0, 0), _SIGMA_PX)
    across = cv2.Sobel(smooth, cv2.CV_32F, 1, 0, scale=0.125)
    down = cv2.Sobel(smooth, cv2.CV_32F, 0, 1, scale=0.125)
    square = (across * across + down * down)[use].astype(np.float64)
    power = square * square * square  # the norm 6 of the gradient
    if not len(power):
        return np.zeros(3)
    return np.asarray(power.mean(axis=0) ** (1 / _NORM))


@lru_cache(maxsize=4)
def _build_table(gains: tuple[float, ...], strength: float) -> Table:
    levels = np.repeat(LEVELS[:, None], 3, axis=1)
    table = np.asarray(_apply_gains(levels, np.array(gains) ** strength) - levels, np.float32)
    table.setflags(write=False)
    return table


def _apply_gains(values: NDArray[T], gains: NDArray[np.float64]) -> NDArray[T]:
    """Multiply values in 0..1 by the gains of the last axis; 0 and 1 stay."""
    factors = gains.astype(values.dtype)
    excess = (gains**_SHOULDER - 1).astype(values.dtype)
    return factors * values / (1 + excess * values**_SHOULDER) ** (1 / _SHOULDER)
