"""Frames of one pair, rendered in parallel."""

import threading

import numpy as np
import pytest
from scenes import panning

from kinoloom.film.engine import EngineOptions
from kinoloom.film.engines.fast import Fast
from kinoloom.film.synthesis import parallel
from kinoloom.film.synthesis.parallel import render_in_order

TIMES = [k / 8 for k in range(1, 8)]


@pytest.fixture(autouse=True)
def _two_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "cores", lambda: 2)


def test_two_frames_are_rendered_at_once_and_yielded_in_order() -> None:
    both = threading.Barrier(2, timeout=60)

    def render(time: float) -> float:
        if time in TIMES[:2]:
            both.wait()
        return time

    assert list(render_in_order(render, TIMES, 100)) == TIMES


def test_errors_are_raised_and_the_rest_is_not_rendered() -> None:
    seen: list[float] = []

    def render(time: float) -> float:
        seen.append(time)
        if time == TIMES[1]:
            raise ValueError("frame")
        return time

    frames = render_in_order(render, TIMES, 100)
    assert next(frames) == TIMES[0]
    with pytest.raises(ValueError, match="frame"):
        next(frames)
    assert len(seen) < len(TIMES)


def test_stopping_early_stops_rendering() -> None:
    seen: list[float] = []
    frames = render_in_order(lambda time: seen.append(time) or time, TIMES, 100)
    next(frames)
    frames.close()  # type: ignore[attr-defined]
    assert len(seen) <= 3


def test_frames_equal_those_of_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    engine, (first, second) = Fast(EngineOptions(10**9)), panning(2, step=5.0)
    many = [frame for frame, _ in engine.interpolate(first, second, TIMES)]
    monkeypatch.setattr(parallel, "cores", lambda: 1)
    one = [frame for frame, _ in engine.interpolate(first, second, TIMES)]
    assert np.array_equal(many, one)
