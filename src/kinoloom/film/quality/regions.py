"""Regions of a film of photos that are likely to show artefacts, where the rest may be good.

A region is a connected part of the photos with a change that nothing explains, where the error
estimate is high. The mean over the whole frame, or over the cells of a grid, hides an object that
fades out at one place and in at another, most of all a thin one; the estimate alone is also high at
borders that only one photo shows, where frames are good.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from kinoloom.film.engine import ErrorMap
from kinoloom.film.quality.error_estimate import estimate_psnr_db

WARNING_PSNR_DB = 24.0
"""Parts with a lower estimated PSNR are reported. In films of 12 triplets of video frames and of 7
with an object that fades, 19 such parts had a true PSNR of 12 to 24 dB, two of 26 dB."""
MIN_SHARE = 0.007
"""Smallest share of the frame that a region covers, in one of the photos: in a pair with much
parallax, leaves leave up to 0.6 % unexplained; what fades, 0.75 % and more."""
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


def find_poor_pixels(error: ErrorMap) -> NDArray[np.bool_]:
    """Return where the estimated quality is low."""
    return np.asarray(error > 10 ** (-WARNING_PSNR_DB / 20))


def may_be_poor(error: ErrorMap) -> bool:
    """Return whether there can be a region: enough pixels have a large error estimate."""
    return bool(find_poor_pixels(error).mean() >= MIN_SHARE / 2)


def find_poor_regions(
    changes: NDArray[np.bool_], error: ErrorMap, width: int, height: int
) -> list[Region]:
    """Return the regions of low estimated quality, the worst first.

    Args:
        changes: (h, w) of any size, where photos have a change that nothing explains.
        error: error map of a frame, of any size.
        width, height: of the frame in pixels.
    """
    size = changes.shape[1], changes.shape[0]
    error = np.asarray(cv2.resize(error, size, interpolation=cv2.INTER_LINEAR), np.float32)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(changes.astype(np.uint8))
    large = [k for k in range(1, count) if stats[k, cv2.CC_STAT_AREA] >= MIN_SHARE * labels.size]
    poor = [k for k in large if estimate_psnr_db(error[labels == k]) < WARNING_PSNR_DB]
    squares = np.bincount(labels.ravel(), np.square(error).ravel(), count)
    worst = sorted(poor, key=lambda label: -squares[label])
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
