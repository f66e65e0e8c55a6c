"""Do engines know where they err? Expected against true errors of the middle frame.

    python -m benchmarks.film_doubt --data VIDEOS [--samples N] [--triplets FOLDER]

Triplets of frames 1 to 8 apart are drawn from a folder of videos. The constants of
`kinoloom.film.quality.error_estimate` were chosen on the first, third, ... video ("fit"); how well
they hold is told of the others ("videos"), and of a folder of triplets if one is given. For each
engine that knows its expected error:

    pictures   rank correlation (Spearman) of expected and true PSNR over triplets
    pixels     the same of errors over the pixels of a triplet, mean over triplets
    warned     share of triplets that `interpolate` would warn of
    warned_db, rest_db   mean true PSNR of these, and of the rest
    warned_rightly       share of these whose true PSNR is below 22 dB
    offset_db, slope     the line that takes expected to true PSNR best: 0 and 1 if calibrated
    left_to_scale   by which the fit on the other videos would still multiply the constant
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
from kinoloom.film.choose import choose, engine_options
from kinoloom.film.engine import ErrorMap, Interpolator
from kinoloom.film.quality.error_estimate import DOUBTFUL_DB, expected_psnr_db
from kinoloom.film.quality.warnings import doubtful
from kinoloom.learn.data.triplets import find_triplets
from kinoloom.learn.data.videos import open_videos
from kinoloom.metrics import psnr

_ENGINES = ("deep", "fast", "refine", "lite")
_SEED = 11
_BAD_DB = 22.0
_EVERY = 7
"""Of the pixels, for their rank correlation."""
Frames = tuple[Picture, Picture, Picture]


@dataclass(frozen=True)
class Seen:
    """One triplet: what was expected, and what was true."""

    expected_db: float
    true_db: float
    pixels: float
    warned: bool


def main() -> None:
    """Measure and write benchmarks/results/film_doubt.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--samples", type=int, default=120)
    parser.add_argument("--triplets", type=Path)
    parser.add_argument("--index", type=Path, help="keeps what was found in the videos")
    told = parser.parse_args()
    allowed = engine_options(None)
    engines = {name: choose(name, allowed).make(allowed) for name in _ENGINES}
    found: dict[str, dict[str, list[Seen]]] = {"fit": {}, "videos": {}, "triplets": {}}
    for part, frames in _all_frames(told):
        for name, engine in engines.items():
            found[part].setdefault(name, []).append(_seen(engine, frames))
    scales = {name: _left_to_scale(seen) for name, seen in found["fit"].items()}
    results = [
        {"engine": name, "data": part, **_summary(seen), "left_to_scale": scales[name]}
        for part in found
        for name, seen in found[part].items()
    ]
    command = f"python -m benchmarks.film_doubt --data {told.data.name} --samples {told.samples}"
    if told.triplets:
        command += f" --triplets {told.triplets.name}"
    for row in results:
        print(row)
    print(write_results("film_doubt", command, {"doubtful_db": DOUBTFUL_DB, "rows": results}))


def _all_frames(told: argparse.Namespace) -> Iterator[tuple[str, Frames]]:
    """Triplets, each with the part that it belongs to."""
    source = open_videos(told.data, index=told.index, least_px=128)
    paths = sorted({run.path for run in source.runs})
    for part, first in (("fit", 0), ("videos", 1)):
        mine = set(paths[first::2])
        half = replace(source, runs=[run for run in source.runs if run.path in mine])
        for k in range(told.samples):
            yield part, half.draw(k, _SEED).frames
    if told.triplets:
        for triplet in find_triplets(told.triplets):
            yield "triplets", triplet.load()


def _seen(engine: Interpolator, frames: Frames) -> Seen:
    first, truth, second = frames
    judged = engine.between_with_errors(first, second, [0.5])
    assert judged is not None
    made, error = next(judged)
    return Seen(
        expected_psnr_db(error), psnr(made, truth), _pixels(made, truth, error), doubtful(error)
    )


def _pixels(made: Picture, truth: Picture, error: ErrorMap) -> float:
    squared = np.square(to_float(made) - to_float(truth)).mean(axis=2)
    height, width = error.shape
    small = cv2.resize(squared, (width, height), interpolation=cv2.INTER_AREA)
    return float(spearmanr(error.ravel()[::_EVERY], small.ravel()[::_EVERY])[0])


def _summary(seen: list[Seen]) -> dict[str, float | int | None]:
    expected, true = (np.array([getattr(one, name) for one in seen]) for name in _PSNRS)
    warned = np.array([one.warned for one in seen])
    slope, offset = np.polyfit(expected, true, 1)
    return {
        "count": len(seen),
        "pictures": round(float(spearmanr(expected, true)[0]), 3),
        "pixels": round(statistics.fmean(one.pixels for one in seen), 3),
        "warned": round(float(warned.mean()), 3),
        "warned_db": round(float(true[warned].mean()), 2) if warned.any() else None,
        "rest_db": round(float(true[~warned].mean()), 2) if not warned.all() else None,
        "warned_rightly": round(float((true[warned] < _BAD_DB).mean()), 3)
        if warned.any()
        else None,
        "offset_db": round(float(offset), 2),
        "slope": round(float(slope), 3),
    }


_PSNRS = ("expected_db", "true_db")


def _left_to_scale(seen: list[Seen]) -> float:
    """By which expected errors are to be multiplied so that their PSNR is right on average."""
    return round(10 ** (statistics.fmean(one.expected_db - one.true_db for one in seen) / 20), 3)


if __name__ == "__main__":
    main()
