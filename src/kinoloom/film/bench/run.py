"""Runs engines over triplets and judges what they make."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from statistics import fmean, median

from kinoloom.base.arrays import Picture
from kinoloom.base.notes import logger
from kinoloom.base.report import Report
from kinoloom.film.bench.distance import Distance, st_lpips
from kinoloom.film.bench.motion import displacement_px, warping_error
from kinoloom.film.bench.page import Failure, bench_page
from kinoloom.film.bench.peer import load_peer
from kinoloom.film.bench.scores import Row, Score, strata, summed_up
from kinoloom.film.bench.worker import Job, Worker
from kinoloom.film.choose import choose, engine_options, engines
from kinoloom.film.engine import Engine, EngineOptions
from kinoloom.film.ops import BenchOptions
from kinoloom.film.triplets import Triplet, find_triplets
from kinoloom.metrics import psnr, ssim

_MIDDLE = (0.5,)
_SEVEN = tuple(float(Fraction(k, 8)) for k in range(1, 8))
_SMOOTHNESS_TRIPLETS = 10
"""Seven frames of as many are made, evenly spread over all triplets."""
_FAILURES = 3


@dataclass(frozen=True)
class _Judge:
    """What is needed to judge a frame, the same for all engines.

    Attributes:
        displacements_px: of each triplet, in their order.
        distance: ST-LPIPS, or None.
    """

    triplets: Sequence[Triplet]
    displacements_px: Sequence[float]
    distance: Distance | None


def bench(folder: Path, options: BenchOptions) -> Report:
    """The table of all engines that were asked for, or that are present.

    Raises:
        InputNotFoundError: no triplets below the folder.
        RegistryError, MissingError: an engine asked for is unknown or lacks something.
        ArrayError: pictures too small to be judged.
    """
    triplets = find_triplets(folder)
    allowed = engine_options(options.memory, weights=options.weights)
    asked = [name.strip() for name in options.engines.split(",") if name.strip()]
    chosen = [choose(name, allowed) for name in asked] or _present(allowed)
    jobs = [Job(engine.name, None, allowed) for engine in chosen]
    if options.peer is not None:
        jobs.append(Job(load_peer(options.peer).name, options.peer, allowed))
    judge = _Judge(triplets, [_displacement_px(triplet) for triplet in triplets], st_lpips())
    rows, failures = [], []
    for job in jobs:
        row, worst = _measure(job, judge)
        logger.info(f"{row.engine}: {row.psnr_db:.2f} dB")
        rows.append(row)
        failures += worst
    return bench_page(folder.name, rows, failures, judged_by_looks=judge.distance is not None)


def _measure(job: Job, judge: _Judge) -> tuple[Row, list[Failure]]:
    """One engine over all triplets, and the triplets in which it did worst."""
    scores, seconds = [], []
    worst: list[Failure] = []
    with Worker(job) as worker:
        worker.make(judge.triplets[0], _MIDDLE)
        for triplet, far_px in zip(judge.triplets, judge.displacements_px, strict=True):
            made = worker.make(triplet, _MIDDLE)
            seconds.append(made.seconds)
            scores.append(_score(made.frames[0], triplet, far_px, judge.distance))
            failure = Failure(job.name, triplet, scores[-1], made.frames[0])
            worst = sorted([*worst, failure], key=lambda one: one.score.psnr_db)[:_FAILURES]
        spread = judge.triplets[:: -(-len(judge.triplets) // _SMOOTHNESS_TRIPLETS)]
        unsteady = [warping_error(worker.make(triplet, _SEVEN).frames) for triplet in spread]
    mean = summed_up("all", scores)
    row = Row(
        job.name,
        mean.triplets,
        mean.psnr_db,
        mean.ssim,
        mean.st_lpips,
        fmean(unsteady),
        median(seconds),
        made.peak_bytes / 1e6,
        strata(scores),
    )
    return row, worst


def _score(middle: Picture, triplet: Triplet, far_px: float, distance: Distance | None) -> Score:
    truth = triplet.load()[1]
    looks = distance(middle, truth) if distance else None
    return Score(far_px, psnr(middle, truth), ssim(middle, truth), looks)


def _displacement_px(triplet: Triplet) -> float:
    first, _, second = triplet.load()
    return displacement_px(first, second)


def _present(allowed: EngineOptions) -> list[Engine]:
    return [engine for engine in engines() if not engine.missing(allowed)]
