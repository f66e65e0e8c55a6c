"""Blur, true resolution, banding and exposure of pictures with known ones."""

from fractions import Fraction

import cv2
import numpy as np
import pytest
from natural_scenes import add_gaussian, draw_natural, to_bytes
from numpy.typing import NDArray

from kinoloom.enhance.estimate.light import estimate_banding, measure_exposure
from kinoloom.enhance.estimate.sharpness import estimate_blur_px, estimate_true_resolution
from kinoloom.metrics import resize_bicubic


@pytest.mark.parametrize("blur_px", [1.0, 1.5, 2.0, 3.0])
def test_blur_of_sharp_edges_is_found(blur_px: float) -> None:
    blurred = cv2.GaussianBlur(draw_natural(1), (0, 0), blur_px)
    expected_px = np.hypot(blur_px, 0.65)  # the drawn edges have a blur of their own
    assert estimate_blur_px(to_bytes(np.asarray(blurred))) == pytest.approx(expected_px, rel=0.15)


def test_sharp_and_flat_pictures() -> None:
    assert estimate_blur_px(to_bytes(draw_natural(2))) < 0.8
    assert np.isnan(estimate_blur_px(np.full((50, 50, 3), 7, np.uint8)))


def draw_detail() -> NDArray[np.uint8]:
    """A picture whose power falls with the square of the frequency, up to the highest one."""
    y, x = np.meshgrid(np.fft.fftfreq(240), np.fft.fftfreq(360), indexing="ij")
    falling = 1 / np.maximum(np.hypot(x, y), 1 / 360)
    noise = np.random.default_rng(3).normal(size=(240, 360))
    grey = np.fft.ifft2(falling * np.fft.fft2(noise)).real
    return to_bytes(np.repeat(128 + 45 * grey[..., None] / grey.std(), 3, axis=2))


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_true_resolution_of_enlarged_pictures(scale: int) -> None:
    small = resize_bicubic(draw_detail(), Fraction(1, scale))
    large = resize_bicubic(small, scale)
    assert estimate_true_resolution(large) == pytest.approx(1 / scale, rel=0.2)


def test_true_resolution_of_whole_and_unknown_pictures() -> None:
    assert estimate_true_resolution(draw_detail()) > 0.9
    assert np.isnan(estimate_true_resolution(np.zeros((31, 90, 3), np.uint8)))
    assert np.isnan(estimate_true_resolution(np.full((90, 90, 3), 4, np.uint8)))


def test_banding_of_gradients() -> None:
    ramp = np.repeat(np.linspace(100, 112, 240)[None, :, None], 60, axis=0).repeat(3, axis=2)
    assert estimate_banding(to_bytes(ramp)) > 0.9
    assert estimate_banding(to_bytes(ramp).transpose(1, 0, 2)) > 0.9
    assert estimate_banding(add_gaussian(ramp, 1.5)) < 0.05
    assert estimate_banding(np.full((60, 60, 3), 4, np.uint8)) == 0
    stripes = to_bytes(np.repeat(np.array([20.0, 200.0] * 5), 12)[None, :, None].repeat(30, 0))
    assert estimate_banding(stripes.repeat(3, axis=2)) == 0
    assert estimate_banding(to_bytes(draw_natural(4))) < 0.1


def test_exposure() -> None:
    picture = np.full((10, 10, 3), 100, np.uint8)
    picture[:3] = 0
    picture[3:5] = (255, 90, 90)
    light = measure_exposure(picture)
    assert (light.dark_share, light.bright_share) == (0.3, 0.2)
    assert light.low == 0
    assert light.high == pytest.approx(255 * 0.299 + 90 * 0.701, abs=0.01)
    assert light.mean == pytest.approx(0.5 * 100 + 0.2 * light.high, abs=0.01)
    dim = measure_exposure((picture // 2).astype(np.uint8))
    assert (dim.dark_share, dim.bright_share) == (0.3, 0)
