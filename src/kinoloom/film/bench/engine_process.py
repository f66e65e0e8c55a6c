"""An engine in its own process; see `learn.bench.contestant`."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from kinoloom.base.arrays import Picture
from kinoloom.base.machine import peak_memory_bytes
from kinoloom.film.bench.baselines import find_contestant
from kinoloom.film.engine import Engine, EngineOptions, Interpolator
from kinoloom.learn.bench.contestant import Contestant
from kinoloom.learn.bench.peer import load_peer
from kinoloom.learn.data.triplets import Triplet


@dataclass(frozen=True)
class EngineSpec:
    """An engine and its options, to be built in another process.

    Attributes:
        name: of the engine.
        peer: the Python file that defines it, or None for a registered engine.
        options: its options.
    """

    name: str
    peer: Path | None
    options: EngineOptions


@dataclass(frozen=True)
class TimedFrames:
    """The result of one call of an engine.

    Attributes:
        frames: one per time.
        seconds: duration of the interpolation, without reading the images.
        peak_bytes: peak memory of the process so far, including libraries.
    """

    frames: list[Picture]
    seconds: float
    peak_bytes: int


class EngineProcess(Contestant):
    """The process of one engine; a context manager that ends it.

    Args:
        spec: the engine and its options.
    """

    def __init__(self, spec: EngineSpec) -> None:
        super().__init__(spec.name)
        self.spec = spec

    def interpolate(self, triplet: Triplet, times: Sequence[float]) -> TimedFrames:
        """Interpolate between the first and the last image of a triplet.

        Raises:
            BudgetError: the process was killed from outside, usually for lack of memory.
            KinoloomError: an error of the engine.
        """
        return self.call(triplet.name, _interpolate, self.spec, triplet, times)


def _interpolate(spec: EngineSpec, triplet: Triplet, times: Sequence[float]) -> TimedFrames:
    interpolator = _build_interpolator(spec)
    first, _, second = triplet.load()
    begin = time.perf_counter()
    frames = [frame for frame, _ in interpolator.interpolate(first, second, times)]
    seconds = time.perf_counter() - begin
    return TimedFrames(frames, seconds, peak_memory_bytes())


@cache
def _build_interpolator(spec: EngineSpec) -> Interpolator:
    if spec.peer:
        return load_peer(spec.peer, "ENGINE", Engine).build(spec.options)
    return find_contestant(spec.name).build(spec.options)
