"""Lets engines take turns at triplets and judges what they make."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from statistics import fmean, median

from kinoloom.base.arrays import Picture
from kinoloom.base.notes import logger
from kinoloom.base.report import Report
from kinoloom.film.bench.motion import displacement_px, warping_error
from kinoloom.film.bench.page import Failure, bench_page
from kinoloom.film.bench.scores import Row, Score, strata, summed_up
from kinoloom.film.bench.worker import Job, Worker
from kinoloom.film.choose import choose, engine_options, engines
from kinoloom.film.engine import Engine, EngineOptions
from kinoloom.film.options import BenchOptions
from kinoloom.learn.bench.distance import Distance, st_lpips
from kinoloom.learn.bench.peer import load_peer
from kinoloom.learn.data.triplets import Triplet, find_triplets
from kinoloom.metrics import psnr, ssim

_MIDDLE = (0.5,)
_SEVEN = tuple(float(Fraction(k, 8)) for k in range(1, 8))
_SMOOTHNESS_TRIPLETS = 10
"""Seven frames of as many are made, evenly spread over all triplets."""
_FAILURES = 3
_TOLD = 10
"""How often it is told how far the work is, at most."""


@dataclass
class _Gathered:
    """What was found of one engine so far; `worst` are the triplets in which it did worst."""

    worker: Worker
    scores: list[Score] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    peak_bytes: int = 0
    worst: list[Failure] = field(default_factory=list)
    unsteady: list[float] = field(default_factory=list)


def bench(folder: Path, options: BenchOptions) -> Report:
    """The table of all engines that were asked for, or that are present.

    The engines take turns at each triplet, so that a slow moment of the machine meets all.

    Raises:
        InputNotFoundError: no triplets below the folder.
        RegistryError, MissingError: an engine asked for is unknown or lacks something.
        ArrayError: pictures too small to be judged.
    """
    triplets = find_triplets(folder)
    jobs = _jobs(options)
    distance_from = st_lpips()
    with ExitStack() as stack:
        found = [_Gathered(stack.enter_context(Worker(job))) for job in jobs]
        for one in found:
            one.worker.make(triplets[0], _MIDDLE)
        for done, triplet in enumerate(triplets, 1):
            _middles(triplet, found, distance_from)
            if done % -(-len(triplets) // _TOLD) == 0:
                logger.info(f"{done} of {len(triplets)} triplets")
        for triplet in triplets[:: -(-len(triplets) // _SMOOTHNESS_TRIPLETS)]:
            for one in found:
                one.unsteady.append(warping_error(one.worker.make(triplet, _SEVEN).frames))
    failures = [failure for one in found for failure in one.worst]
    rows = [_row(one) for one in found]
    return bench_page(folder.name, rows, failures, judged_by_looks=distance_from is not None)


def _jobs(options: BenchOptions) -> list[Job]:
    allowed = engine_options(options.memory, weights=options.weights, look=options.look)
    asked = [name.strip() for name in options.engines.split(",") if name.strip()]
    chosen = [choose(name, allowed) for name in asked] or _present(allowed)
    jobs = [Job(engine.name, None, allowed) for engine in chosen]
    if options.peer is not None:
        jobs.append(Job(load_peer(options.peer, "ENGINE", Engine).name, options.peer, allowed))
    return jobs


def _middles(
    triplet: Triplet,
    found: Sequence[_Gathered],
    distance_from: Callable[[Picture], Distance] | None,
) -> None:
    """Let each engine make the middle frame of a triplet, and judge it."""
    first, truth, second = triplet.load()
    far_px = displacement_px(first, second)
    distance = distance_from(truth) if distance_from else None
    for one in found:
        made = one.worker.make(triplet, _MIDDLE)
        middle = made.frames[0]
        looks = distance(middle) if distance else None
        score = Score(far_px, psnr(middle, truth), ssim(middle, truth), looks)
        one.scores.append(score)
        one.seconds.append(made.seconds)
        one.peak_bytes = made.peak_bytes
        failures = [*one.worst, Failure(one.worker.job.name, triplet, score, middle)]
        one.worst = sorted(failures, key=lambda each: each.score.psnr_db)[:_FAILURES]


def _row(found: _Gathered) -> Row:
    mean = summed_up("all", found.scores)
    return Row(
        found.worker.job.name,
        mean.triplets,
        mean.psnr_db,
        mean.ssim,
        mean.st_lpips,
        fmean(found.unsteady),
        median(found.seconds),
        found.peak_bytes / 1e6,
        strata(found.scores),
    )


def _present(allowed: EngineOptions) -> list[Engine]:
    known = [engine for engine in engines() if allowed.look in engine.looks]
    return [engine for engine in known if not engine.missing(allowed)]
