"""Fusion weights at key times."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from scenes import panning

from kinoloom.film.engine import EngineOptions, PairOfPhotos
from kinoloom.film.engines.deep import DEEP
from kinoloom.film.synthesis.key_weights import MAX_MOTION_PX, KeyWeights, choose_key_times
from kinoloom.motion.camera import global_motion

TIMES = [k / 40 for k in range(1, 40)]


@pytest.mark.parametrize("speed_px", [0.0, 5.0, 40.0, 1e6])
def test_motion_between_key_times_is_bounded(speed_px: float) -> None:
    keys = choose_key_times(TIMES, speed_px)
    assert keys == sorted(keys)
    assert (keys[0], keys[-1]) == (TIMES[0], TIMES[-1])
    assert set(keys) <= set(TIMES)
    gaps = np.diff(keys)
    assert gaps.max() * speed_px <= max(MAX_MOTION_PX, speed_px / 40 * 1.001)
    assert len(keys) < len(TIMES) or speed_px == 1e6


@pytest.mark.parametrize("times", [[0.5], [0.25, 0.75], []])
def test_few_times_are_all_key_times(times: list[float]) -> None:
    assert choose_key_times(times, 1e3) == times


def test_weights_are_interpolated_and_predicted_once() -> None:
    calls: list[tuple[float, int]] = []
    lock = threading.Lock()

    def predict(time: float, tile: int) -> np.ndarray:
        with lock:
            calls.append((time, tile))
        return np.full((2, 3, 4), time + tile, np.float32)

    weights = KeyWeights([0.1, 0.3, 0.5, 0.9], predict)
    asked = [(time, tile) for time in TIMES if 0.1 <= time <= 0.9 for tile in (0, 1)]
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda place: weights.interpolate(*place), asked))
    for (time, tile), result in zip(asked, results, strict=True):
        np.testing.assert_allclose(result, time + tile, atol=1e-6)
    assert sorted(calls) == [(time, tile) for time in weights.keys for tile in (0, 1)]


def test_frames_with_key_weights_equal_those_with_their_own() -> None:
    engine = DEEP.build(EngineOptions(2 * 10**9))
    first, second = panning(2, step=3.0, size=(160, 96))
    pair = PairOfPhotos(global_motion(first, second), tuple(TIMES))
    keyed = [frame for frame, _ in engine.interpolate_photos(first, second, TIMES, pair)]
    own = [frame for frame, _ in engine.interpolate(first, second, TIMES)]
    difference = np.abs(np.array(keyed).astype(int) - own)
    assert difference.mean() < 0.05
    assert np.percentile(difference, 99.9) <= 2


def test_the_last_frames_of_a_pair_do_not_depend_on_the_earlier_ones() -> None:
    engine = DEEP.build(EngineOptions(2 * 10**9))
    first, second = panning(2, step=3.0, size=(160, 96))
    pair = PairOfPhotos(global_motion(first, second), tuple(TIMES))
    whole = [frame for frame, _ in engine.interpolate_photos(first, second, TIMES, pair)]
    last = [frame for frame, _ in engine.interpolate_photos(first, second, TIMES[-3:], pair)]
    np.testing.assert_array_equal(last, whole[-3:])
