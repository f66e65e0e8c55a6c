"""Accuracy of the engines' error estimates: estimated against true errors of the middle frame.

    python -m benchmarks.film_error_estimate VIDEOS [--samples N] [--triplets DIR]

Triplets of frames 1 to 8 apart are drawn from a folder of videos. The constants of
`kinoloom.film.quality.error_estimate` were fitted on the first, third, ... video ("fit"); the
other videos ("videos") and an optional folder of triplets ("triplets") test them. For each engine
with an error estimate:

    frame_correlation   Spearman correlation of estimated and true PSNR over triplets
    pixel_correlation   the same for errors over the pixels of a triplet, mean over triplets
    warning_rate        share of triplets for which `interpolate` would warn
    warned_psnr_db, other_psnr_db   mean true PSNR of these triplets, and of the others
    warning_precision   share of warnings for a true PSNR below 22 dB
    offset_db, slope    linear fit from estimated to true PSNR: 0 and 1 if calibrated
    residual_factor     factor by which the fit would still multiply the constant
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from scipy.stats import spearmanr

from benchmarks.common import write_results
from kinoloom.base.arrays import Picture, to_float
from kinoloom.film.engine import ErrorMap, Interpolator
from kinoloom.film.quality.error_estimate import WARNING_PSNR_DB, estimate_psnr_db
from kinoloom.film.quality.warnings import is_low_quality
from kinoloom.film.selection import build_engine_options, choose_engine
from kinoloom.learn.data.triplets import find_triplets
from kinoloom.learn.data.videos import open_videos
from kinoloom.metrics import psnr

_ENGINES = ("best", "deep", "fast")
_SEED = 11
_LOW_PSNR_DB = 22.0
_PIXEL_STRIDE = 7
"""Every n-th pixel enters the pixel correlation."""
Frames = tuple[Picture, Picture, Picture]


@dataclass(frozen=True)
class Sample:
    """Estimated and true errors of one triplet."""

    estimated_psnr_db: float
    true_psnr_db: float
    pixel_correlation: float
    is_warned: bool


def main() -> None:
    """Measure and write benchmarks/results/film_error_estimate.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("videos", type=Path)
    parser.add_argument("--samples", type=int, default=120)
    parser.add_argument("--triplets", type=Path)
    parser.add_argument("--index", type=Path, help="cache of the scan of the videos")
    arguments = parser.parse_args()
    options = build_engine_options(None)
    engines = {name: choose_engine(name, options).build(options) for name in _ENGINES}
    samples: dict[str, dict[str, list[Sample]]] = {"fit": {}, "videos": {}, "triplets": {}}
    for part, frames in _draw_triplets(arguments):
        for name, engine in engines.items():
            samples[part].setdefault(name, []).append(_measure(engine, frames))
    factors = {name: _fit_factor(found) for name, found in samples["fit"].items()}
    rows = [
        {"engine": name, "data": part, **_summarise(found), "residual_factor": factors[name]}
        for part in samples
        for name, found in samples[part].items()
    ]
    for row in rows:
        print(row)
    command = f"python -m benchmarks.film_error_estimate {arguments.videos.name}"
    command += f" --samples {arguments.samples}"
    if arguments.triplets:
        command += f" --triplets {arguments.triplets.name}"
    findings = {"warning_psnr_db": WARNING_PSNR_DB, "rows": rows}
    print(write_results("film_error_estimate", command, findings))


def _draw_triplets(arguments: argparse.Namespace) -> Iterator[tuple[str, Frames]]:
    """Yield triplets, each with the part of the data it belongs to."""
    source = open_videos(arguments.videos, index=arguments.index, min_px=128)
    paths = sorted({run.path for run in source.runs})
    for part, first in (("fit", 0), ("videos", 1)):
        chosen = set(paths[first::2])
        half = replace(source, runs=[run for run in source.runs if run.path in chosen])
        for k in range(arguments.samples):
            yield part, half.draw(k, _SEED).frames
    if arguments.triplets:
        for triplet in find_triplets(arguments.triplets):
            yield "triplets", triplet.load()


def _measure(engine: Interpolator, frames: Frames) -> Sample:
    first, truth, second = frames
    frame, error = next(engine.interpolate(first, second, [0.5]))
    assert error is not None
    return Sample(
        estimate_psnr_db(error),
        psnr(frame, truth),
        _correlate_pixels(frame, truth, error),
        is_low_quality(error),
    )


def _correlate_pixels(frame: Picture, truth: Picture, error: ErrorMap) -> float:
    squared = np.square(to_float(frame) - to_float(truth)).mean(axis=2)
    height, width = error.shape
    small = cv2.resize(squared, (width, height), interpolation=cv2.INTER_AREA)
    estimated, true = (each.ravel()[::_PIXEL_STRIDE] for each in (error, small))
    return float(spearmanr(estimated, true)[0])


def _summarise(samples: list[Sample]) -> dict[str, float | int | None]:
    estimated = np.array([sample.estimated_psnr_db for sample in samples])
    true = np.array([sample.true_psnr_db for sample in samples])
    warned = np.array([sample.is_warned for sample in samples])
    slope, offset = np.polyfit(estimated, true, 1)
    precision = (true[warned] < _LOW_PSNR_DB).mean() if warned.any() else None
    return {
        "count": len(samples),
        "frame_correlation": round(float(spearmanr(estimated, true)[0]), 3),
        "pixel_correlation": round(
            statistics.fmean(sample.pixel_correlation for sample in samples), 3
        ),
        "warning_rate": round(float(warned.mean()), 3),
        "warned_psnr_db": round(float(true[warned].mean()), 2) if warned.any() else None,
        "other_psnr_db": round(float(true[~warned].mean()), 2) if not warned.all() else None,
        "warning_precision": None if precision is None else round(float(precision), 3),
        "offset_db": round(float(offset), 2),
        "slope": round(float(slope), 3),
    }


def _fit_factor(samples: list[Sample]) -> float:
    """Return the factor on estimated errors that makes their PSNR right on average."""
    differences = [sample.estimated_psnr_db - sample.true_psnr_db for sample in samples]
    return round(10 ** (statistics.fmean(differences) / 20), 3)


if __name__ == "__main__":
    main()
