"""The quality of the engines on real texture: floors that a loss of one decibel breaks."""

import numpy as np
import pytest
from frames import render
from photo_triplets import LARGE, SMALL, Motion, render_triplet

from kinoloom.base.arrays import Picture
from kinoloom.film.engine import EngineOptions
from kinoloom.film.selection import choose_engine
from kinoloom.metrics import psnr

ROOMY = EngineOptions(2_000_000_000)
FLOORS_DB = {
    ("fast", "small"): 41.8,
    ("fast", "large"): 32.7,
    ("deep", "small"): 41.8,
    ("deep", "large"): 35.2,
    ("best", "small"): 41.8,
    ("best", "large"): 35.0,
}
"""Less than a decibel below the measured values."""


@pytest.mark.parametrize(("name", "motion"), FLOORS_DB)
def test_quality_on_real_texture(name: str, motion: str) -> None:
    first, truth, second = render_triplet(SMALL if motion == "small" else LARGE)
    (frame,) = render(choose_engine(name, ROOMY).build(ROOMY), first, second, [0.5])
    assert psnr(frame, truth) > FLOORS_DB[name, motion]


def measure_sharpness(picture: Picture) -> float:
    """Return the variance of the Laplacian."""
    import cv2

    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    return float(cv2.Laplacian(grey, cv2.CV_64F).var())


@pytest.mark.parametrize("name", ["fast", "deep", "best"])
def test_new_frames_are_sharper_than_bilinear_samples(name: str) -> None:
    first, _, second = render_triplet(Motion((3.0, 1.0), (3.0, 1.0), 0.0), noise=0.0)
    (frame,) = render(choose_engine(name, ROOMY).build(ROOMY), first, second, [0.5])
    neighbours = (measure_sharpness(first) + measure_sharpness(second)) / 2
    assert measure_sharpness(frame) > 0.55 * neighbours  # bilinear: 0.27


@pytest.mark.parametrize("name", ["fast", "deep", "best"])
@pytest.mark.parametrize("time", [0.25, 0.5])
def test_a_still_region_is_copied(name: str, time: float) -> None:
    first, _, second = render_triplet(LARGE)
    still = np.s_[:, :96]
    second[still] = first[still]
    (frame,) = render(choose_engine(name, ROOMY).build(ROOMY), first, second, [time])
    inside = np.s_[:, :88]
    np.testing.assert_array_equal(frame[inside], first[inside])


@pytest.mark.parametrize("name", ["fast", "deep", "best"])
def test_a_still_region_with_a_level_of_noise_stays_within_a_level(name: str) -> None:
    first, _, second = render_triplet(LARGE)
    flicker = np.random.default_rng(1).integers(0, 2, first[:, :96].shape).astype(np.uint8)
    second[:, :96] = np.minimum(first[:, :96], 254) + flicker
    (frame,) = render(choose_engine(name, ROOMY).build(ROOMY), first, second, [0.5])
    assert np.abs(frame[:, :88].astype(int) - first[:, :88]).max() <= 1
