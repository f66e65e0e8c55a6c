"""Regions of a frame that are likely to show artefacts, where the rest of it may be good.

The error map is averaged over a coarse grid. The mean over the whole frame hides an object that
fades out at one place and in at another.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from kinoloom.film.engine import ErrorMap

WARNING_PSNR_DB = 15.5
"""Cells with a lower estimated PSNR are reported. Objects that fade reach 7 to 15 dB in their worst
cell; of 24 pairs of video frames the two that fail visibly 13 and 15 dB, the others over 16."""
_CELLS = 12
"""Cells along the longer side."""
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
    columns = max(1, round(_CELLS * min(1.0, width / height)))
    rows = max(1, round(_CELLS * min(1.0, height / width)))
    squares = cv2.resize(np.square(error), (columns, rows), interpolation=cv2.INTER_AREA)
    poor = (squares > 10 ** (-WARNING_PSNR_DB / 10)).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(poor)
    worst = sorted(range(1, count), key=lambda label: -float(squares[labels == label].sum()))
    return [
        _make_region(stats[label][:4] / (columns, rows, columns, rows), width, height)
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
