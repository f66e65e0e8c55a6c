"""Regions of a frame that are likely to show artefacts, where the rest of it may be good.

A region is a connected part of the error map with a large error. The mean over the whole frame, or
over the cells of a grid, hides an object that fades out at one place and in at another, most of all
a thin one.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from kinoloom.film.engine import ErrorMap

WARNING_PSNR_DB = 22.0
"""Pixels with a lower estimated PSNR belong to a region."""
_MIN_SHARE = 0.005
"""Smallest share of the frame that a region covers. In 32 films of three frames (10 triplets of
DAVIS, 8 of ordinary video, 14 with an object that moves far), the regions named first, with their
surroundings, had a true PSNR of 12 to 24 dB."""
_GAP = 9 / 512
"""Gaps up to this size are closed, relative to the longer side."""
_MAX_REGIONS = 3
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

    def __str__(self) -> str:
        return f"{self.place} (x {self.left}-{self.right}, y {self.top}-{self.bottom})"


def find_poor_regions(error: ErrorMap, width: int, height: int) -> list[Region]:
    """Return the regions of low estimated quality, at most three, the worst first.

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
    return [
        _make_region(stats[label][:4] / (*size, *size), width, height)
        for label in worst[:_MAX_REGIONS]
    ]


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
