"""An engine at work in a process of its own, so that its memory is its own.

The process makes frames only when it is asked, and whoever asks waits; what judges the frames
runs meanwhile in neither, so that seconds of all engines are comparable.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import TracebackType

from kinoloom.base import registry
from kinoloom.base.arrays import Picture
from kinoloom.base.machine import peak_memory_bytes
from kinoloom.errors import BudgetError
from kinoloom.film.bench.peer import load_peer
from kinoloom.film.engine import EngineOptions, Interpolator
from kinoloom.film.triplets import Triplet


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


class Worker:
    """The process; a context manager that ends it."""

    def __init__(self, job: Job) -> None:
        self.job = job
        context = multiprocessing.get_context("spawn")
        self._pool = ProcessPoolExecutor(1, mp_context=context)

    def make(self, triplet: Triplet, times: Sequence[float]) -> Made:
        """The frames at some times between the first and the last picture of a triplet.

        Raises:
            BudgetError: the process was ended from outside, as happens when memory is short.
            KinoloomError: as the engine does.
        """
        try:
            return self._pool.submit(_make, self.job, triplet, times).result()
        except BrokenProcessPool as error:
            raise BudgetError(
                f"The process of the engine {self.job.name} was ended from outside at "
                f"{triplet.name}.",
                hint="It may have needed more memory than there is.",
            ) from error

    def __enter__(self) -> Worker:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._pool.shutdown()


def _make(job: Job, triplet: Triplet, times: Sequence[float]) -> Made:
    interpolator = _interpolator(job)
    first, _, second = triplet.load()
    begin = time.perf_counter()
    frames = list(interpolator.between(first, second, times))
    seconds = time.perf_counter() - begin
    return Made(frames, seconds, peak_memory_bytes())


@cache
def _interpolator(job: Job) -> Interpolator:
    engine = load_peer(job.peer) if job.peer else registry.load("interpolators", job.name)
    return engine.make(job.allowed)
