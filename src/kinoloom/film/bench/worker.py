"""An engine at work in a process of its own; see `learn.bench.contestant`."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from kinoloom.base import registry
from kinoloom.base.arrays import Picture
from kinoloom.base.machine import peak_memory_bytes
from kinoloom.film.engine import Engine, EngineOptions, Interpolator
from kinoloom.learn.bench.contestant import Contestant
from kinoloom.learn.bench.peer import load_peer
from kinoloom.learn.data.triplets import Triplet


@dataclass(frozen=True)
class Job:
    """Which engine works, and with what.

    Attributes:
        name: of the engine.
        peer: the Python file that defines it, or None for one that is registered.
        allowed: what it may use.
    """

    name: str
    peer: Path | None
    allowed: EngineOptions


@dataclass(frozen=True)
class Made:
    """What came of a call.

    Attributes:
        frames: one for each time.
        seconds: that the engine took for all of them; reading the pictures is not counted.
        peak_bytes: the most memory that the process has held so far, libraries included.
    """

    frames: list[Picture]
    seconds: float
    peak_bytes: int


class Worker(Contestant):
    """The process of one engine; a context manager that ends it.

    Args:
        job: the engine and its options.
    """

    def __init__(self, job: Job) -> None:
        super().__init__(job.name)
        self.job = job

    def make(self, triplet: Triplet, times: Sequence[float]) -> Made:
        """The frames at some times between the first and the last picture of a triplet.

        Raises:
            BudgetError: the process was killed from outside, as happens when memory is short.
            KinoloomError: as the engine does.
        """
        return self.call(triplet.name, _make, self.job, triplet, times)


def _make(job: Job, triplet: Triplet, times: Sequence[float]) -> Made:
    interpolator = _interpolator(job)
    first, _, second = triplet.load()
    begin = time.perf_counter()
    frames = list(interpolator.between(first, second, times))
    seconds = time.perf_counter() - begin
    return Made(frames, seconds, peak_memory_bytes())


@cache
def _interpolator(job: Job) -> Interpolator:
    if job.peer:
        return load_peer(job.peer, "ENGINE", Engine).make(job.allowed)
    engine: Engine = registry.load("interpolators", job.name)
    return engine.make(job.allowed)
