"""The most detailed square of a picture, which shows best what a correction does."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from kinoloom.base.arrays import Picture
from kinoloom.enhance.filters.filter import TILE_STEP_PX
from kinoloom.enhance.pictures.work import reduce_for_estimates

_BLUR_PX = 1.0
"""Standard deviation of the blur that keeps noise from counting as detail."""


@dataclass(frozen=True)
class Detail:
    """A part of a picture.

    Attributes:
        rows, columns: of the picture; they begin at multiples of `TILE_STEP_PX`, or end with it.
    """

    rows: slice
    columns: slice

    def crop(self, picture: Picture) -> Picture:
        """Return the part of a picture, a contiguous copy."""
        return np.ascontiguousarray(picture[self.rows, self.columns])

    def widen(self, margin_px: int, picture: Picture) -> Detail:
        """Return a larger part, as far as the picture reaches; it begins at the grid of tiles."""
        return Detail(
            _widen(self.rows, margin_px, picture.shape[0]),
            _widen(self.columns, margin_px, picture.shape[1]),
        )

    def scale(self, x_ratio: float, y_ratio: float) -> Detail:
        """Return the same part of the picture after resizing by these ratios."""
        return Detail(_scale(self.rows, y_ratio), _scale(self.columns, x_ratio))


def find_detail(picture: Picture, side_px: int) -> Detail:
    """Return the square with the largest mean gradient, or less where the picture is smaller.

    Args:
        picture: (H, W, 3) or (H, W, 4), see `base.arrays`.
        side_px: of the square, at least 1.
    """
    height, width = picture.shape[:2]
    high, wide = min(side_px, height), min(side_px, width)
    reduced = reduce_for_estimates(picture[..., :3])
    factor = reduced.shape[1] / width
    grey = cv2.GaussianBlur(np.asarray(reduced.mean(axis=2), np.float32), (0, 0), _BLUR_PX)
    gradient = np.hypot(cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1))
    window = (max(1, round(wide * factor)), max(1, round(high * factor)))
    sums = cv2.boxFilter(gradient, cv2.CV_32F, window, anchor=(0, 0), normalize=False)
    valid = sums[: gradient.shape[0] - window[1] + 1, : gradient.shape[1] - window[0] + 1]
    top, left = np.unravel_index(int(np.argmax(valid)), valid.shape)
    return Detail(_place(int(top) / factor, high, height), _place(int(left) / factor, wide, width))


def _place(start: float, length: int, limit: int) -> slice:
    """Return a span inside 0..limit that begins at the grid of tiles if it can."""
    begin = min(int(start) // TILE_STEP_PX * TILE_STEP_PX, limit - length)
    return slice(begin, begin + length)


def _widen(span: slice, margin: int, limit: int) -> slice:
    begin = max(0, span.start - margin) // TILE_STEP_PX * TILE_STEP_PX
    return slice(begin, min(limit, span.stop + margin))


def _scale(span: slice, ratio: float) -> slice:
    begin = round(span.start * ratio)
    return slice(begin, max(round(span.stop * ratio), begin + 1))
