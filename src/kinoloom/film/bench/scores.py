"""What is measured of one engine, and how it is summed up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from statistics import fmean

STRATA_PX = ((0.0, 10.0), (10.0, 40.0), (40.0, inf))
"""Triplets are grouped by their mean displacement: from the first number to below the second."""


@dataclass(frozen=True)
class Score:
    """How close the middle frame of one triplet came, in 8 bits.

    Attributes:
        displacement_px: the mean motion from the first picture to the second.
        psnr_db, ssim: higher is better.
        st_lpips: lower is better; None where it is not installed.
    """

    displacement_px: float
    psnr_db: float
    ssim: float
    st_lpips: float | None


@dataclass(frozen=True)
class Stratum:
    """Means over the triplets of one range of motion.

    Attributes:
        motion: the range, such as "10-40 px".
        triplets: how many.
        psnr_db, ssim, st_lpips: as `Score`.
    """

    motion: str
    triplets: int
    psnr_db: float
    ssim: float
    st_lpips: float | None


@dataclass(frozen=True)
class Row:
    """What was measured of one engine; the middle frame of each triplet, in 8 bits.

    Attributes:
        engine: its name.
        triplets: how many.
        psnr_db, ssim, st_lpips: means over the triplets, as `Score`.
        warping_error: see `motion.warping_error`: between seven new frames, mean over some
            triplets, in levels of 8 bits.
        seconds_per_frame: median over the triplets, after one that is not counted.
        peak_mb: the most memory that its process held, in 10^6 bytes, libraries included.
        strata: those that have triplets, from small to large motion.
    """

    engine: str
    triplets: int
    psnr_db: float
    ssim: float
    st_lpips: float | None
    warping_error: float
    seconds_per_frame: float
    peak_mb: float
    strata: tuple[Stratum, ...]


def strata(scores: Sequence[Score]) -> tuple[Stratum, ...]:
    """The means of each range of motion that has triplets."""
    found = []
    for low, high in STRATA_PX:
        inside = [score for score in scores if low <= score.displacement_px < high]
        if inside:
            found.append(summed_up(_range_name(low, high), inside))
    return tuple(found)


def summed_up(motion: str, scores: Sequence[Score]) -> Stratum:
    """Means over one or more scores."""
    distances = [score.st_lpips for score in scores if score.st_lpips is not None]
    return Stratum(
        motion,
        len(scores),
        fmean(score.psnr_db for score in scores),
        fmean(score.ssim for score in scores),
        fmean(distances) if distances else None,
    )


def _range_name(low: float, high: float) -> str:
    if low == 0:
        return f"under {high:g} px"
    return f"over {low:g} px" if high == inf else f"{low:g}-{high:g} px"
