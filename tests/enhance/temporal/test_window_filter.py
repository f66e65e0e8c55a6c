"""The window filter: noise, motion, occlusion, and the noise that is left."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from moving_clips import add_noise, draw_moving, draw_texture, error_levels

from kinoloom.enhance.estimate.noise import Noise
from kinoloom.enhance.temporal.parameters import constant_noise
from kinoloom.enhance.temporal.window import (
    WindowFilter,
    kept_variance,
    noise_variance,
    prepare_frame,
)
from kinoloom.errors import ArrayError

SIGMA = 12.0


def filter_pictures(pictures: list[np.ndarray], centre: int, noise: Noise) -> tuple:
    result = WindowFilter()([prepare_frame(one) for one in pictures], centre, noise)
    assert np.isfinite(result.image).all()
    assert np.isfinite(result.noise).all()
    return result.image * 255, result.noise * 255


@pytest.mark.parametrize("step", [(0.0, 0.0), (2.0, -1.0), (1.4, 0.6)])
def test_frames_are_averaged_along_the_motion(step: tuple[float, float]) -> None:
    truth = draw_moving(5, step)
    noisy = [add_noise(one, SIGMA, k) for k, one in enumerate(truth)]
    image, left = filter_pictures(noisy, 2, constant_noise(SIGMA))
    error = error_levels(image, truth[2])
    assert error < 0.62 * SIGMA  # the mean of five frames has 0.45
    assert error == pytest.approx(left[4:-4, 4:-4].mean(), rel=0.15)


def test_noise_map_is_true_for_a_still_scene() -> None:
    truth = np.full((96, 96, 3), 128, np.uint8)
    noisy = [add_noise(truth, SIGMA, k) for k in range(5)]
    image, left = filter_pictures(noisy, 2, constant_noise(SIGMA))
    assert error_levels(image, truth) == pytest.approx(left.mean(), rel=0.12)
    assert left.min() >= SIGMA / np.sqrt(5) * 0.7


def test_other_scenes_leave_the_frame_and_its_noise_unchanged() -> None:
    frame = add_noise(np.rint(draw_texture()).astype(np.uint8), SIGMA, 0)
    others = [255 - np.rint(draw_texture(seed=k)).astype(np.uint8) // 3 for k in (7, 8)]
    image, left = filter_pictures([others[0], frame, others[1]], 1, constant_noise(SIGMA))
    assert image == pytest.approx(frame.astype(float), abs=0.01)
    assert left == pytest.approx(np.full(left.shape, SIGMA), abs=0.01)


def test_an_object_that_appears_is_kept() -> None:
    truth = draw_moving(5, (1.0, 0.0))
    truth[2][20:44, 30:54] = (250, 20, 40)
    noisy = [add_noise(one, SIGMA, k) for k, one in enumerate(truth)]
    image, left = filter_pictures(noisy, 2, constant_noise(SIGMA))
    inside = (slice(24, 40), slice(34, 50))
    assert image[inside].mean(axis=(0, 1)) == pytest.approx(truth[2][30, 40], abs=8)
    assert left[inside] == pytest.approx(SIGMA, abs=0.1)


def test_a_frame_without_noise_is_unchanged() -> None:
    pictures = draw_moving(3, (1.5, 0.0))
    image, left = filter_pictures(pictures, 1, constant_noise(0.0))
    assert np.array_equal(np.rint(image).astype(np.uint8), pictures[1])
    assert not left.any()


def test_noise_depends_on_brightness() -> None:
    ramp = np.repeat(np.linspace(0, 250, 80)[None, :, None], 64, 0).repeat(3, 2)
    frame = prepare_frame(np.rint(ramp).astype(np.uint8))
    variance = noise_variance(frame, Noise(5.0, 4.0, 0.2))
    assert variance[32, 10:70] == pytest.approx(4 + 0.2 * ramp[32, 10:70, 0], abs=0.5)


@given(
    st.floats(-3, 3),
    st.floats(-3, 3),
)
@settings(max_examples=30, deadline=None)
def test_kept_variance_is_that_of_the_cubic_kernel(x: float, y: float) -> None:
    # OpenCV samples at multiples of 1/32 px.
    x, y = round(x * 32) / 32, round(y * 32) / 32
    impulse = np.zeros((15, 15), np.float32)
    impulse[7, 7] = 1
    rows, columns = np.mgrid[:15, :15].astype(np.float32)
    kernel = cv2.remap(impulse, columns + np.float32(x), rows + np.float32(y), cv2.INTER_CUBIC)
    found = kept_variance(np.array([[[7 + x, 7 + y]]], np.float32))
    assert found[0, 0] == pytest.approx((kernel**2).sum(), abs=2e-4)
    assert 0.5 < found[0, 0] <= 1


@given(
    st.integers(1, 5),
    st.floats(0, 60),
    st.floats(0, 0.5),
    st.integers(0, 2**31),
    st.tuples(st.integers(1, 40), st.integers(1, 40)),
)
@settings(max_examples=40, deadline=None)
def test_results_are_finite_and_the_noise_never_grows(
    count: int, sigma: float, slope: float, seed: int, size: tuple[int, int]
) -> None:
    generator = np.random.default_rng(seed)
    pictures = [generator.integers(0, 256, (*size, 3)).astype(np.uint8) for _ in range(count)]
    noise = Noise(sigma, sigma**2, slope)
    image, left = filter_pictures(pictures, count // 2, noise)
    before = np.sqrt(noise_variance(prepare_frame(pictures[count // 2]), noise))
    assert (left <= before * 1.0001 + 1e-6).all()
    assert image.shape == (*size, 3)
    assert image.min() > -160
    assert image.max() < 415


def test_invalid_windows_are_rejected() -> None:
    small = prepare_frame(np.zeros((8, 9, 3), np.uint8))
    large = prepare_frame(np.zeros((8, 10, 3), np.uint8))
    with pytest.raises(ArrayError, match="Frame 2 is not in a window of 2 frames"):
        WindowFilter()([small, small], 2, constant_noise(5))
    with pytest.raises(ArrayError, match="must have one size, not 9x8 and 10x8"):
        WindowFilter()([small, large], 0, constant_noise(5))
