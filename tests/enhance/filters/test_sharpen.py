"""Sharpening with a halo limit."""

import cv2
import numpy as np
import pytest
from filter_pictures import build_scene, pictures
from hypothesis import given, settings
from hypothesis import strategies as st

from kinoloom.enhance.filters.filter import Context
from kinoloom.enhance.filters.sharpen import Sharpen

NEIGHBORS = np.ones((3, 3), np.uint8)


@given(
    picture=pictures(),
    strength=st.floats(0.01, 1),
    radius=st.floats(0.3, 5),
    margin=st.floats(0, 0.2),
)
@settings(max_examples=60)
def test_the_result_stays_in_the_local_range_and_margin(
    picture: np.ndarray, strength: float, radius: float, margin: float
) -> None:
    one = Sharpen(strength=strength, radius=radius, margin=margin, threshold=0)
    result = one(picture)
    low = cv2.erode(picture, NEIGHBORS, borderType=cv2.BORDER_REPLICATE)
    high = cv2.dilate(picture, NEIGHBORS, borderType=cv2.BORDER_REPLICATE)
    assert (result >= low - margin - 1e-6).all()
    assert (result <= high + margin + 1e-6).all()


def blurred_edge() -> np.ndarray:
    edge = np.full((32, 64, 3), (0.3, 0.35, 0.4), np.float32)
    edge[:, 32:] = (0.6, 0.65, 0.7)
    return np.asarray(cv2.GaussianBlur(edge, (0, 0), 1.2))


def test_edges_become_steeper_without_halos() -> None:
    edge = blurred_edge()
    result = Sharpen(strength=1, margin=0)(edge)
    steepness = [np.abs(np.diff(one[16, :, 1])).max() for one in (edge, result)]
    assert steepness[1] > 1.3 * steepness[0]
    assert result.max() <= edge.max()
    assert result.min() >= edge.min()


def test_the_margin_allows_some_overshoot() -> None:
    edge = blurred_edge()
    result = Sharpen(strength=1, margin=0.03)(edge)
    assert 0.005 < result.max() - edge.max() <= 0.0301


def test_colors_of_edges_stay() -> None:
    result = Sharpen(strength=1, margin=0.05)(blurred_edge())
    np.testing.assert_allclose(result[..., 2] - result[..., 0], 0.1, atol=1e-5)
    np.testing.assert_allclose(result[..., 1] - result[..., 0], 0.05, atol=1e-5)


def test_noise_is_amplified_less_than_detail() -> None:
    noise = np.float32(0.5) + np.random.default_rng(2).normal(0, 0.01, (64, 64, 3))
    noise = noise.astype(np.float32)
    one = Sharpen(strength=1, margin=1, threshold=0)
    plain, known = one(noise), one(noise, Context(noise=0.01))
    assert plain.std() > 1.3 * noise.std()
    assert known.std() < 1.25 * noise.std()


@pytest.mark.parametrize("strength", [0.2, 0.6])
def test_more_strength_sharpens_more(strength: float) -> None:
    scene = build_scene()
    weak, strong = (Sharpen(strength=s)(scene) for s in (strength, strength + 0.3))
    assert np.abs(strong - scene).mean() > 1.2 * np.abs(weak - scene).mean()
