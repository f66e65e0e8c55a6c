"""The recursive filter: noise, cuts, and the same frames from any start."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from moving_clips import add_noise, build_clip, draw_moving, error_levels

from kinoloom.base.clip import Clip
from kinoloom.enhance.estimate.noise import Noise
from kinoloom.enhance.temporal.clip import denoise_clip
from kinoloom.enhance.temporal.parameters import constant_noise
from kinoloom.enhance.temporal.recursive import (
    RESTART_S,
    WARM_UP_S,
    RecursiveFilter,
    lookback_begin,
)

SIGMA = 12.0


@pytest.mark.parametrize("step", [(0.0, 0.0), (2.0, -1.0), (1.4, 0.6)])
def test_noise_falls_from_frame_to_frame(step: tuple[float, float]) -> None:
    truth = draw_moving(12, step)
    live = RecursiveFilter()
    found = [
        live(add_noise(one, SIGMA, k), constant_noise(SIGMA)).image * 255
        for k, one in enumerate(truth)
    ]
    errors = [error_levels(one, true) for one, true in zip(found, truth, strict=True)]
    assert errors[0] < SIGMA
    assert np.mean(errors[6:]) < 0.6 * SIGMA


def test_noise_map_is_an_upper_bound_for_a_still_flat_scene() -> None:
    truth = np.full((96, 96, 3), 128, np.uint8)
    live = RecursiveFilter()
    for number in range(8):
        result = live(add_noise(truth, SIGMA, number), constant_noise(SIGMA))
        error = error_levels(result.image * 255, truth)
        assert 0.25 < error / (result.noise.mean() * 255) < 1.1
    assert error < 0.3 * SIGMA


def test_another_scene_leaves_no_ghost() -> None:
    live = RecursiveFilter()
    for number, one in enumerate(draw_moving(5, (1.0, 0.0))):
        live(add_noise(one, SIGMA, number), constant_noise(SIGMA))
    other = add_noise(draw_moving(1, (0.0, 0.0), seed=9)[0] // 4, SIGMA, 50)
    after_cut = live(other, constant_noise(SIGMA)).image
    live.restart()
    fresh = live(other, constant_noise(SIGMA)).image
    assert error_levels(after_cut * 255, fresh * 255) < 0.1 * SIGMA


def test_without_noise_pictures_are_unchanged() -> None:
    live = RecursiveFilter()
    for one in draw_moving(3, (1.5, 0.0)):
        result = live(one, constant_noise(0.0))
        assert np.array_equal(np.rint(result.image * 255).astype(np.uint8), one)
        assert not result.noise.any()


@given(
    st.lists(st.tuples(st.integers(1, 33), st.integers(1, 33)), min_size=1, max_size=4),
    st.floats(0, 60),
    st.floats(0, 0.5),
    st.integers(0, 2**31),
)
@settings(max_examples=40, deadline=None)
def test_results_are_finite_and_the_noise_never_grows(
    sizes: list[tuple[int, int]], sigma: float, slope: float, seed: int
) -> None:
    generator = np.random.default_rng(seed)
    live = RecursiveFilter()
    for size in [size for size in sizes for _ in range(2)]:
        picture = generator.integers(0, 256, (*size, 3)).astype(np.uint8)
        result = live(picture, Noise(sigma, sigma**2, slope))
        assert result.image.shape == picture.shape
        assert np.isfinite(result.noise).all()
        assert result.image.min() > -1e-4
        assert result.image.max() < 1 + 1e-4
        assert result.noise.max() * 255 <= np.sqrt(sigma**2 + 255 * slope) + 1e-3


def slow_clip() -> Clip:
    """Fifty frames in ten seconds: two restarts, and a cut in between."""
    truth = draw_moving(28, (0.5, 0.0)) + [one // 4 for one in draw_moving(22, (0.0, 0.5), seed=5)]
    frames = list(build_clip([add_noise(one, SIGMA, k) for k, one in enumerate(truth)]))
    step = Fraction(1, 5)
    return Clip.from_frames(
        [replace(one, time=k * step, duration=step) for k, one in enumerate(frames)], rate=1 / step
    )


@pytest.mark.parametrize("start", [Fraction(1, 5), 4, Fraction(39, 10), 5, 6, Fraction(41, 5)])
def test_each_start_gives_the_same_frames(start: Fraction) -> None:
    clip = denoise_clip(slow_clip(), None, SIGMA, live=True)
    expected = [one for one in clip if one.time + one.duration > start]
    found = list(clip.read(Fraction(start)))
    assert [one.time for one in found] == [one.time for one in expected]
    for one, other in zip(found, expected, strict=True):
        assert np.array_equal(one.image, other.image)


def test_a_restart_is_warm() -> None:
    clip = slow_clip()
    truth = draw_moving(28, (0.5, 0.0))
    errors = [
        error_levels(one.image, true)
        for one, true in zip(denoise_clip(clip, None, SIGMA, live=True), truth, strict=False)
    ]
    restarted = int(RESTART_S * 5)
    assert errors[restarted] < 0.9 * errors[0]


@given(st.fractions(0, 100))
def test_the_look_back_is_bounded(time: Fraction) -> None:
    begin = lookback_begin(time)
    assert 0 <= begin <= time
    assert time - begin <= RESTART_S + WARM_UP_S
