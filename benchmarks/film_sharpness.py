"""Sharpness of new frames, relative to the frames next to them.

    python -m benchmarks.film_sharpness VIDEOS [--pairs N]

A film at twice the rate alternates between source frames and new ones, so a difference in sharpness
flickers. For evenly spaced pairs of neighbouring frames of each video that differ, the variance of
the Laplacian of the frame halfway is divided by the mean of both neighbours; `ratio` is the median
over the pairs.
"""

from __future__ import annotations

import argparse
import statistics
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from benchmarks.common import write_results
from kinoloom.base.arrays import Picture, from_float, to_float
from kinoloom.film.engine import Interpolator
from kinoloom.film.selection import build_engine_options, choose_engine
from kinoloom.learn.data.videos import find_videos
from kinoloom.media.video.reading import open_video

_ENGINES = ("best", "deep", "fast")
_MIN_CHANGE_LEVELS = 1.0
_MAX_SIDE_PX = 960


def main() -> None:
    """Measure and write benchmarks/results/film_sharpness.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("videos", type=Path)
    parser.add_argument("--pairs", type=int, default=2)
    arguments = parser.parse_args()
    options = build_engine_options(None)
    engines = {name: choose_engine(name, options).build(options) for name in _ENGINES}
    rows: list[dict[str, Any]] = []
    for path in find_videos(arguments.videos):
        pairs = choose_pairs(path, arguments.pairs)
        if not pairs:
            continue
        ratios = {
            name: round(statistics.median(_compare(engine, *pair) for pair in pairs), 3)
            for name, engine in engines.items()
        }
        rows.append({"video": path.stem, "pairs": len(pairs), **ratios})
        print(rows[-1], flush=True)
    findings = {
        "least": {name: min(row[name] for row in rows) for name in _ENGINES},
        "median": {name: statistics.median(row[name] for row in rows) for name in _ENGINES},
        "below_0.85": {name: sum(row[name] < 0.85 for row in rows) for name in _ENGINES},
        "rows": rows,
    }
    command = f"python -m benchmarks.film_sharpness {arguments.videos.name}"
    print(write_results("film_sharpness", f"{command} --pairs {arguments.pairs}", findings))


def choose_pairs(path: Path, count: int) -> list[tuple[Picture, Picture]]:
    """Return evenly spaced pairs of neighbouring frames that differ and belong to one scene."""
    frames = [_shrink(frame.image) for frame in open_video(path)]
    differing = [
        pair
        for pair in pairwise(frames)
        if cv2.absdiff(*pair).mean() > _MIN_CHANGE_LEVELS and cv2.absdiff(*pair).mean() < 25
    ]
    step = max(1, len(differing) // count)
    return differing[step // 2 :: step][:count]


def measure_sharpness(picture: Picture) -> float:
    """Return the variance of the Laplacian of the brightness."""
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    return float(cv2.Laplacian(grey, cv2.CV_64F).var())


def _compare(engine: Interpolator, first: Picture, second: Picture) -> float:
    frame, _ = next(engine.interpolate(first, second, [0.5]))
    return measure_sharpness(frame) / statistics.fmean(map(measure_sharpness, (first, second)))


def _shrink(image: Picture) -> Picture:
    picture = from_float(to_float(image), np.dtype(np.uint8))[..., :3]
    height, width = picture.shape[:2]
    ratio = min(1.0, _MAX_SIDE_PX / max(height, width))
    if ratio == 1:
        return picture
    size = (round(width * ratio), round(height * ratio))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA))


if __name__ == "__main__":
    main()
