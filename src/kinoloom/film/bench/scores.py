"""The scores of an engine on one frame, on a range of motion, and on the whole benchmark."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from statistics import fmean

STRATA_PX = ((0.0, 10.0), (10.0, 40.0), (40.0, inf))
"""Half-open ranges of mean displacement by which triplets are grouped."""


@dataclass(frozen=True)
class FrameScore:
    """The score of the middle frame of one triplet, in 8 bits.

    Attributes:
        displacement_px: the mean motion from the first image to the last.
        psnr_db, ssim: higher is better.
        st_lpips: lower is better; None if it is not installed.
    """

    displacement_px: float
    psnr_db: float
    ssim: float
    st_lpips: float | None


@dataclass(frozen=True)
class Stratum:
    """Mean scores over the triplets of one range of motion.

    Attributes:
        motion: the range, such as "10-40 px".
        triplets: number of triplets.
        psnr_db, ssim, st_lpips: as `FrameScore`.
    """

    motion: str
    triplets: int
    psnr_db: float
    ssim: float
    st_lpips: float | None


@dataclass(frozen=True)
class EngineScores:
    """The scores of one engine, on the middle frame of each triplet, in 8 bits.

    Attributes:
        engine: its name.
        triplets: number of triplets.
        psnr_db, ssim, st_lpips: means over the triplets, as `FrameScore`.
        warping_error: see `motion.measure_warping_error`: between seven new frames, mean over
            some triplets, in 8-bit levels; None unless it was requested.
        seconds_per_frame: median over the triplets, after an uncounted first run.
        peak_mb: peak memory of its process in 10^6 bytes, including libraries.
        strata: the non-empty ranges of motion, from small to large.
    """

    engine: str
    triplets: int
    psnr_db: float
    ssim: float
    st_lpips: float | None
    warping_error: float | None
    seconds_per_frame: float
    peak_mb: float
    strata: tuple[Stratum, ...]


def stratify_scores(scores: Sequence[FrameScore]) -> tuple[Stratum, ...]:
    """Average the scores of each non-empty range of motion."""
    found = []
    for low, high in STRATA_PX:
        inside = [score for score in scores if low <= score.displacement_px < high]
        if inside:
            found.append(average_scores(_format_range(low, high), inside))
    return tuple(found)


def average_scores(motion: str, scores: Sequence[FrameScore]) -> Stratum:
    """Average one or more scores."""
    distances = [score.st_lpips for score in scores if score.st_lpips is not None]
    return Stratum(
        motion,
        len(scores),
        fmean(score.psnr_db for score in scores),
        fmean(score.ssim for score in scores),
        fmean(distances) if distances else None,
    )


def _format_range(low: float, high: float) -> str:
    if low == 0:
        return f"under {high:g} px"
    return f"over {low:g} px" if high == inf else f"{low:g}-{high:g} px"
