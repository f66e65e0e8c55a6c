"""The benchmark run: engines alternate over triplets, and their frames are scored."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from statistics import fmean, median

from kinoloom.base.arrays import Picture
from kinoloom.base.notes import logger
from kinoloom.base.report import Report
from kinoloom.film.bench.baselines import BASELINES, find_contestant
from kinoloom.film.bench.engine_process import EngineProcess, EngineSpec
from kinoloom.film.bench.motion import measure_displacement_px, measure_warping_error
from kinoloom.film.bench.report import Failure, build_benchmark_report
from kinoloom.film.bench.scores import (
    EngineScores,
    FrameScore,
    average_scores,
    stratify_scores,
)
from kinoloom.film.engine import Engine, EngineOptions
from kinoloom.film.options import BenchOptions
from kinoloom.film.selection import build_engine_options, check_requirements, list_engines
from kinoloom.learn.bench.distance import Distance, load_st_lpips_distance
from kinoloom.learn.bench.peer import load_peer
from kinoloom.learn.data.triplets import Triplet, find_triplets
from kinoloom.metrics import psnr, ssim

_MIDPOINT = (0.5,)
_SEVEN_TIMES = tuple(float(Fraction(k, 8)) for k in range(1, 8))
_SMOOTHNESS_TRIPLETS = 10
"""The warping error is measured on this many triplets, evenly spaced."""
_FAILURES = 3
_MAX_PROGRESS_MESSAGES = 20


@dataclass
class _EngineResults:
    """The results of one engine so far; `worst` are its triplets of lowest PSNR."""

    process: EngineProcess
    scores: list[FrameScore] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    peak_bytes: int = 0
    worst: list[Failure] = field(default_factory=list)
    warping_errors: list[float] = field(default_factory=list)


def run_benchmark(folder: Path, options: BenchOptions) -> Report:
    """Measure the requested engines, or all available ones, on the triplets of a folder.

    The engines alternate at each triplet, so that a slow phase of the machine affects all.

    Raises:
        InputNotFoundError: the folder contains no triplets.
        RegistryError, MissingError: a requested engine is unknown or lacks a requirement.
        ArrayError: the images are too small for a metric.
    """
    triplets = find_triplets(folder)
    specs = _list_engine_specs(options)
    distance_from = load_st_lpips_distance()
    with ExitStack() as stack:
        results = [_EngineResults(stack.enter_context(EngineProcess(spec))) for spec in specs]
        for result in results:
            logger.info(f"starting {result.process.spec.name}")
            result.process.interpolate(triplets[0], _MIDPOINT)
        for triplet in _report_progress("triplets", triplets):
            _score_midpoints(triplet, results, distance_from)
        if options.smoothness:
            some = triplets[:: -(-len(triplets) // _SMOOTHNESS_TRIPLETS)]
            for triplet in _report_progress("triplets in time", some):
                _measure_smoothness(triplet, results)
    failures = [failure for result in results for failure in result.worst]
    rows = [_summarise(result) for result in results]
    return build_benchmark_report(
        folder.name, rows, failures, has_perceptual_scores=distance_from is not None
    )


def _report_progress(what: str, triplets: Sequence[Triplet]) -> Iterator[Triplet]:
    """Yield triplets and log how many are done, at most `_MAX_PROGRESS_MESSAGES` times."""
    interval = -(-len(triplets) // _MAX_PROGRESS_MESSAGES)
    for done, triplet in enumerate(triplets, 1):
        yield triplet
        if done % interval == 0 or done == len(triplets):
            logger.info(f"{done} of {len(triplets)} {what}")


def _measure_smoothness(triplet: Triplet, results: Sequence[_EngineResults]) -> None:
    for result in results:
        frames = result.process.interpolate(triplet, _SEVEN_TIMES).frames
        result.warping_errors.append(measure_warping_error(frames))


def _list_engine_specs(options: BenchOptions) -> list[EngineSpec]:
    engine_options = build_engine_options(options.memory, weights=options.weights)
    names = [name.strip() for name in options.engines.split(",") if name.strip()]
    engines = [find_contestant(name) for name in names]
    for engine in engines:
        check_requirements(engine, engine_options)
    engines = engines or _list_available(engine_options)
    specs = [EngineSpec(engine.name, None, engine_options) for engine in engines]
    if options.peer is not None:
        peer = load_peer(options.peer, "ENGINE", Engine)
        specs.append(EngineSpec(peer.name, options.peer, engine_options))
    return specs


def _score_midpoints(
    triplet: Triplet,
    results: Sequence[_EngineResults],
    distance_from: Callable[[Picture], Distance] | None,
) -> None:
    """Interpolate and score the middle frame of a triplet with each engine."""
    first, truth, second = triplet.load()
    displacement_px = measure_displacement_px(first, second)
    distance = distance_from(truth) if distance_from else None
    for result in results:
        timed = result.process.interpolate(triplet, _MIDPOINT)
        frame = timed.frames[0]
        score = FrameScore(
            displacement_px,
            psnr(frame, truth),
            ssim(frame, truth),
            distance(frame) if distance else None,
        )
        result.scores.append(score)
        result.seconds.append(timed.seconds)
        result.peak_bytes = timed.peak_bytes
        failures = [*result.worst, Failure(result.process.spec.name, triplet, score, frame)]
        result.worst = sorted(failures, key=lambda each: each.score.psnr_db)[:_FAILURES]


def _summarise(result: _EngineResults) -> EngineScores:
    mean = average_scores("all", result.scores)
    return EngineScores(
        result.process.spec.name,
        mean.triplets,
        mean.psnr_db,
        mean.ssim,
        mean.st_lpips,
        fmean(result.warping_errors) if result.warping_errors else None,
        median(result.seconds),
        result.peak_bytes / 1e6,
        stratify_scores(result.scores),
    )


def _list_available(options: EngineOptions) -> list[Engine]:
    return [each for each in (*list_engines(), *BASELINES) if not each.missing(options)]
