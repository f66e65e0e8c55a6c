"""Regions of a frame that are likely to show artefacts, where the rest of it may be good.

A region is a connected part of the error map with a large error. The mean over the whole frame, or
over the cells of a grid, hides an object that fades out at one place and in at another, most of all
a thin one.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import cv2
import numpy as np
from numpy.typing import NDArray

from kinoloom.film.engine import ErrorMap

WARNING_PSNR_DB = 22.0
"""Pixels with a lower estimated PSNR belong to a region."""
_MIN_SHARE = 0.005
"""Smallest share of the frame that a region covers."""
_GAP = 9 / 512
"""Gaps up to this size are closed, relative to the longer side."""
_MIN_OVERLAP = 0.1
_COLUMNS, _ROWS = ("left", "centre", "right"), ("upper", "middle", "lower")


@dataclass(frozen=True)
class Region:
    """A rectangle of a frame.

    Attributes:
        left, top, right, bottom: in pixels; right and bottom are exclusive.
        place: where it is in the frame, such as "lower left".
    """

    left: int
    top: int
    right: int
    bottom: int
    place: str

    def shows(self, what: NDArray[np.bool_], width: int, height: int) -> bool:
        """Return whether a mask covers a tenth of it; width and height are those of the frame."""
        y, x = what.shape[0] / height, what.shape[1] / width
        rows = slice(int(self.top * y), ceil(self.bottom * y))
        columns = slice(int(self.left * x), ceil(self.right * x))
        return bool(what[rows, columns].mean() >= _MIN_OVERLAP)

    def __str__(self) -> str:
        return f"{self.place} (x {self.left}-{self.right}, y {self.top}-{self.bottom})"


def find_poor_regions(error: ErrorMap, width: int, height: int) -> list[Region]:
    """Return the regions of low estimated quality, the worst first.

    Args:
        error: error map of a frame.
        width, height: of the frame in pixels.
    """
    is_poor = (error > 10 ** (-WARNING_PSNR_DB / 20)).astype(np.uint8)
    side = 2 * round(_GAP * max(error.shape) / 2) + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    closed = cv2.morphologyEx(is_poor, cv2.MORPH_CLOSE, kernel)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(closed)
    large = [k for k in range(1, count) if stats[k, cv2.CC_STAT_AREA] >= _MIN_SHARE * error.size]
    squares = np.bincount(labels.ravel(), np.square(error).ravel(), count)
    worst = sorted(large, key=lambda label: -squares[label])
    size = (error.shape[1], error.shape[0])
    return [_make_region(stats[label][:4] / (*size, *size), width, height) for label in worst]


def _make_region(box: np.ndarray, width: int, height: int) -> Region:
    """Return a region from its (left, top, width, height) as fractions of the frame."""
    x, y = float(box[0] + box[2] / 2), float(box[1] + box[3] / 2)
    row, column = _ROWS[min(2, int(3 * y))], _COLUMNS[min(2, int(3 * x))]
    return Region(
        round(box[0] * width),
        round(box[1] * height),
        round((box[0] + box[2]) * width),
        round((box[1] + box[3]) * height),
        "centre" if (row, column) == ("middle", "centre") else f"{row} {column}",
    )
