"""Fusion weights at key times, and the films of photos rendered with them."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from frames import render
from photo_triplets import LARGE, SMALL, Motion, render_triplet
from scenes import panning

from kinoloom.base.arrays import Picture
from kinoloom.film.engine import EngineOptions, PairOfPhotos, PhotoInterpolator
from kinoloom.film.selection import choose_engine
from kinoloom.film.synthesis import parallel
from kinoloom.film.synthesis.key_weights import (
    HELD_KEYS,
    MAX_MOTION_PX,
    MAX_SPAN,
    MIN_SPAN,
    FusionWeights,
    KeyWeights,
    choose_key_times,
)
from kinoloom.metrics import psnr
from kinoloom.motion.camera import global_motion

ROOMY = EngineOptions(2 * 10**9)
TIMES = tuple(k / 40 for k in range(1, 40))


@pytest.mark.parametrize("speed_px", [0.0, 5.0, 120.0, 1e6])
def test_motion_between_key_times_is_bounded(speed_px: float) -> None:
    keys = choose_key_times(TIMES, speed_px)
    assert keys == sorted(keys)
    assert (keys[0], keys[-1]) == (TIMES[0], TIMES[-1])
    assert set(keys) <= set(TIMES)
    gaps, step = np.diff(keys), 1 / 40
    assert gaps.max() <= max(min(MAX_MOTION_PX / max(speed_px, 1), MAX_SPAN), MIN_SPAN) + step
    assert len(keys) < len(TIMES) / 3


@pytest.mark.parametrize("times", [[0.5], [0.25, 0.75], []])
def test_few_times_are_all_key_times(times: list[float]) -> None:
    assert choose_key_times(times, 1e3) == times


def predict_constant(time: float) -> FusionWeights:
    """Return weights that equal the time, times 200."""
    return np.full((2, 1, 6, 8), round(200 * time), np.uint8)


def test_weights_are_blended_and_predicted_once() -> None:
    calls: list[float] = []
    lock = threading.Lock()

    def predict(time: float) -> FusionWeights:
        with lock:
            calls.append(time)
        return predict_constant(time)

    weights = KeyWeights([0.1, 0.3, 0.5, 0.9], predict)
    asked = [time for time in TIMES if 0.1 <= time <= 0.9]
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(weights.blend, asked))
    for time, result in zip(asked, results, strict=True):
        np.testing.assert_allclose(result.read(0, 1, slice(2, 4)), 200 * time, atol=0.1)
    assert sorted(calls) == weights.keys


def test_the_weights_of_a_bounded_number_of_key_times_are_held() -> None:
    weights = KeyWeights([k / 10 for k in range(1, 10)], predict_constant)
    for time in TIMES[4:-4]:
        weights.blend(time)
        assert len(weights._held) <= HELD_KEYS


def interpolate(
    name: str,
    pictures: tuple[Picture, ...],
    times: Sequence[float] = TIMES,
    *,
    all_times: tuple[float, ...] = TIMES,
    options: EngineOptions = ROOMY,
) -> list[Picture]:
    """Return some frames of a film of two photos."""
    engine = choose_engine(name, options).build(options)
    assert isinstance(engine, PhotoInterpolator)
    first, second = pictures
    pair = PairOfPhotos(global_motion(first, second), all_times)
    return [frame for frame, _ in engine.interpolate_photos(first, second, times, pair)]


@pytest.fixture(scope="module")
def pan() -> tuple[Picture, Picture]:
    first, second = panning(2, step=3.0, size=(160, 96))
    return first, second


@pytest.mark.parametrize("name", ["fast", "deep", "best"])
def test_films_equal_single_frames(name: str, pan: tuple[Picture, Picture]) -> None:
    film = interpolate(name, pan)
    single = render(choose_engine(name, ROOMY).build(ROOMY), *pan, TIMES)
    difference = np.abs(np.array(film).astype(int) - single)
    assert difference.mean() < 0.25
    assert np.percentile(difference, 99.9) <= 4


@pytest.mark.parametrize("kind", ["alpha", "16 bits", "float"])
def test_films_support_the_formats_of_photos(kind: str, pan: tuple[Picture, Picture]) -> None:
    film = interpolate("deep", pan, TIMES[15:18])
    if kind == "alpha":
        opaque = np.full((96, 160), 255, np.uint8)
        other = interpolate("deep", tuple(np.dstack([p, opaque]) for p in pan), TIMES[15:18])
        assert all((frame[..., 3] == 255).all() for frame in other)
        levels = np.array([frame[..., :3] for frame in other]).astype(float)
    elif kind == "16 bits":
        other = interpolate("deep", tuple(p.astype(np.uint16) * 257 for p in pan), TIMES[15:18])
        levels = np.array(other) / 257
    else:
        other = interpolate("deep", tuple(p / np.float32(255) for p in pan), TIMES[15:18])
        assert all(frame.min() >= 0 and frame.max() <= 1 for frame in other)
        levels = np.array(other) * 255.0
    difference = np.abs(levels - film)
    assert difference.mean() < 0.4
    assert np.percentile(difference, 99.9) <= 6


@pytest.mark.parametrize("motion", [SMALL, LARGE])
@pytest.mark.parametrize("name", ["fast", "deep", "best"])
def test_films_are_as_accurate_as_single_frames(name: str, motion: Motion) -> None:
    first, truth, second = render_triplet(motion)
    all_times = TIMES[4:-4]
    gaps = np.abs(np.array(choose_key_times(all_times, 1.0)) - 0.5)
    assert gaps.min() > 0.1  # the frame is between two key times
    (film,) = interpolate(name, (first, second), (0.5,), all_times=all_times)
    (own,) = render(choose_engine(name, ROOMY).build(ROOMY), first, second, [0.5])
    assert psnr(film, truth) > psnr(own, truth) - 0.2


@pytest.mark.parametrize("name", ["fast", "deep"])
def test_the_last_frames_of_a_pair_do_not_depend_on_the_earlier_ones(
    name: str, pan: tuple[Picture, Picture]
) -> None:
    whole, last = interpolate(name, pan), interpolate(name, pan, TIMES[-13:])
    np.testing.assert_array_equal(last, whole[-13:])


@pytest.mark.parametrize("name", ["fast", "deep"])
def test_frames_do_not_depend_on_workers_and_memory(
    name: str, pan: tuple[Picture, Picture], monkeypatch: pytest.MonkeyPatch
) -> None:
    results = []
    for workers in (1, 2):
        monkeypatch.setattr(parallel, "cores", lambda count=workers: count)
        results.append(interpolate(name, pan))
    results.append(interpolate(name, pan, options=EngineOptions(10**9)))
    np.testing.assert_array_equal(results[0], results[1])
    np.testing.assert_array_equal(results[0], results[2])
