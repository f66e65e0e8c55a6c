"""Chroma denoising."""

import cv2
import numpy as np
from filter_pictures import build_scene, pictures, squared_error
from hypothesis import given, settings

from kinoloom.enhance.filters.channels import find_luma
from kinoloom.enhance.filters.chroma import ChromaDenoise
from kinoloom.enhance.filters.filter import Context


def build_clean() -> np.ndarray:
    return np.asarray(0.1 + 0.8 * cv2.GaussianBlur(build_scene(128, 160), (0, 0), 1), np.float32)


def add_color_noise(scene: np.ndarray, sigma: float) -> np.ndarray:
    """Noise without luma."""
    noise = np.random.default_rng(6).normal(0, sigma, (*scene.shape[:2], 2))
    green = -(0.299 * noise[..., 0] + 0.114 * noise[..., 1]) / 0.587
    change = np.stack([noise[..., 0], green, noise[..., 1]], axis=2)
    return np.clip(scene + change, 0, 1).astype(np.float32)


def test_color_noise_is_removed() -> None:
    clean = build_clean()
    noisy = add_color_noise(clean, 0.04)
    result = ChromaDenoise()(noisy)
    assert squared_error(result, clean) < 0.35 * squared_error(noisy, clean)
    measured = ChromaDenoise()(noisy, Context(noise=0.04))
    assert squared_error(measured, clean) < 0.35 * squared_error(noisy, clean)


def test_clean_pictures_hardly_change() -> None:
    clean = build_clean()
    error = squared_error(ChromaDenoise(noise=0.01)(clean), clean)
    assert -10 * np.log10(error) > 42


@given(picture=pictures())
@settings(max_examples=40)
def test_the_luma_does_not_change(picture: np.ndarray) -> None:
    calm = np.asarray(0.3 + 0.4 * picture, np.float32)
    result = ChromaDenoise(noise=0.05)(calm)
    inside = (result > 0).all(axis=2) & (result < 1).all(axis=2)
    np.testing.assert_allclose(find_luma(result)[inside], find_luma(calm)[inside], atol=2e-6)


def test_edges_between_colors_of_equal_luma_are_kept() -> None:
    red, blue = np.float32([0.7, 0.35, 0.35]), np.float32([0.35, 0.4896, 0.5513])
    picture = np.empty((64, 64, 3), np.float32)
    picture[:, :32], picture[:, 32:] = red, blue
    assert abs(float(find_luma(picture)[0, 0] - find_luma(picture)[0, -1])) < 0.02
    result = ChromaDenoise(noise=0.02)(picture)
    assert np.abs(result - picture).max() < 0.04
