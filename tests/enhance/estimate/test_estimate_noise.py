"""Estimates of noise against known noise."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from natural_scenes import add_gaussian, draw_natural, to_bytes

from kinoloom.enhance.estimate.noise import clip_moments, estimate_noise
from kinoloom.errors import ArrayError


@pytest.mark.parametrize("sigma", [5, 15, 25, 50])
def test_sigma_is_within_7_percent(sigma: float) -> None:
    noise = estimate_noise(add_gaussian(draw_natural(1), sigma))
    assert noise.sigma == pytest.approx(sigma, rel=0.07)


@pytest.mark.parametrize(("low", "high"), [(0, 25), (235, 255), (150, 255)])
def test_clipping_is_corrected(low: float, high: float) -> None:
    noisy = add_gaussian(draw_natural(2, low=low, high=high), 30)
    assert ((noisy == 0) | (noisy == 255)).mean() > 0.04
    assert estimate_noise(noisy).sigma == pytest.approx(30, rel=0.07)


def test_channels_that_clip_differently_are_corrected() -> None:
    """Dark green and blue under red light keep a third of the variance of their noise."""
    scene = draw_natural(2) * np.array([0.9, 0.02, 0.02])
    noisy = add_gaussian(scene, 40)
    assert noisy[..., 0].std() > 1.5 * noisy[..., 1].std()
    assert estimate_noise(noisy).sigma == pytest.approx(40, rel=0.07)


def test_clean_pictures_have_little_noise() -> None:
    assert estimate_noise(to_bytes(draw_natural(3))).sigma < 2
    assert estimate_noise(np.full((60, 60, 3), 80, np.uint8)).sigma == 0


@settings(max_examples=10, deadline=None)
@given(sigma=st.floats(4, 50), seed=st.integers(0, 99))
def test_sigma_of_a_flat_picture(sigma: float, seed: int) -> None:
    noisy = add_gaussian(np.full((120, 120, 3), 128.0), sigma, seed)
    assert estimate_noise(noisy).sigma == pytest.approx(sigma, rel=0.05)


def test_grey_pictures_are_measured_by_luma() -> None:
    grey = np.repeat(draw_natural(4)[..., 1:2], 3, axis=2)
    noise = np.repeat(np.random.default_rng(1).normal(0, 12, (*grey.shape[:2], 1)), 3, axis=2)
    assert estimate_noise(to_bytes(grey + noise)).sigma == pytest.approx(12, rel=0.1)


def test_luma_only_ignores_smooth_chroma() -> None:
    rng = np.random.default_rng(1)
    luma_noise = np.repeat(rng.normal(0, 12, (240, 320, 1)), 3, axis=2)
    noisy = to_bytes(draw_natural(5) + luma_noise)
    assert estimate_noise(noisy, luma_only=True).sigma == pytest.approx(12, rel=0.1)
    assert estimate_noise(noisy).sigma < 6


def test_signal_dependence_is_found() -> None:
    scene = draw_natural(6, 360, 480, low=20, high=200)
    rng = np.random.default_rng(1)
    noise = estimate_noise(to_bytes(scene + rng.normal(0, 1, scene.shape) * np.sqrt(30 + scene)))
    assert noise.slope == pytest.approx(1, abs=0.3)
    even = estimate_noise(add_gaussian(scene, 12))
    assert even.slope < 0.2
    assert even.constant == pytest.approx(144, rel=0.25)


def test_dtypes_agree() -> None:
    noisy = add_gaussian(draw_natural(7), 20)
    expected = estimate_noise(noisy).sigma
    assert estimate_noise(noisy.astype(np.uint16) * 257).sigma == pytest.approx(expected, abs=1e-3)
    real = noisy.astype(np.float32) / np.float32(255)
    assert estimate_noise(real).sigma == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize("size", [(1, 1), (4, 300), (12, 12)])
def test_small_pictures_have_no_estimate(size: tuple[int, int]) -> None:
    noise = estimate_noise(np.zeros((*size, 3), np.uint8))
    assert np.isnan([noise.sigma, noise.constant, noise.slope]).all()


def test_moments_of_clipped_noise() -> None:
    rng = np.random.default_rng(3)
    true = np.array([-10.0, 0.0, 30.0, 128.0, 250.0])
    mean, variance = clip_moments(true, 20)
    samples = np.clip(true[:, None] + rng.normal(0, 20, (5, 100_000)), 0, 255)
    assert mean == pytest.approx(samples.mean(axis=1), abs=0.3)
    assert variance == pytest.approx(samples.var(axis=1), rel=0.03)


def test_arrays_that_are_no_pictures_are_rejected() -> None:
    with pytest.raises(ArrayError, match="has shape"):
        estimate_noise(np.zeros((40, 40), np.uint8))
