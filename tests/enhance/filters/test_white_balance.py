"""White balance."""

import cv2
import numpy as np
import pytest
from filter_pictures import build_scene, pictures
from hypothesis import given, settings

from kinoloom.enhance.filters.filter import Context
from kinoloom.enhance.filters.white_balance import WhiteBalance, estimate_gains

CAST = np.float32([1.15, 1.0, 0.8])


def build_grey_scene() -> np.ndarray:
    """A scene whose edges are grey on average."""
    scene = build_scene(160, 200)
    luma = scene.mean(axis=2, keepdims=True)
    return np.asarray(np.clip(0.8 * luma + 0.05, 0, 0.8), np.float32)


def grey() -> np.ndarray:
    return build_grey_scene().repeat(3, axis=2)


def test_a_cast_is_found_and_removed() -> None:
    gains = np.array(estimate_gains(grey() * CAST))
    expected = 1 / CAST
    np.testing.assert_allclose(gains / gains[1], expected / expected[1], rtol=0.03)
    result = WhiteBalance()(grey() * CAST)
    spread = [np.ptp(picture, axis=2).mean() for picture in (grey() * CAST, result)]
    assert spread[1] < 0.12 * spread[0]
    assert abs(result.mean() / (grey() * CAST).mean() - 1) < 0.05


def test_a_neutral_picture_stays() -> None:
    assert np.abs(WhiteBalance()(grey()) - grey()).max() < 0.01


@given(picture=pictures())
@settings(max_examples=40)
def test_gains_are_bounded(picture: np.ndarray) -> None:
    gains = estimate_gains(picture, 1.3)
    assert all(1 / 1.3 - 1e-9 <= gain <= 1.3 + 1e-9 for gain in gains)


def test_gains_of_the_context_are_used_within_the_bound() -> None:
    dark = np.full((4, 4, 3), 0.2, np.float32)
    result = WhiteBalance(max_gain=1.5)(dark, Context(gains=(1.2, 1.0, 3.0)))
    np.testing.assert_allclose(result[0, 0], [0.24, 0.2, 0.3], atol=1e-3)
    neutral = Context(gains=(1.0, 1.0, 1.0))
    assert WhiteBalance()(dark, neutral) is dark


def test_black_and_clipped_white_stay() -> None:
    ends = np.float32([[[0, 0, 0], [1, 1, 1]]])
    result = WhiteBalance()(ends, Context(gains=(1.4, 1.0, 0.7)))
    np.testing.assert_allclose(result, ends, atol=1e-6)


def test_half_the_strength_twice_is_the_whole() -> None:
    scene, context = build_scene(), Context(gains=(1.3, 1.0, 0.8))
    half = WhiteBalance(strength=0.5)
    twice = half(half(scene, context), context)
    np.testing.assert_allclose(twice, WhiteBalance()(scene, context), atol=1e-4)


@pytest.mark.parametrize("value", [0.0, 0.4, 1.0])
def test_a_picture_without_edges_has_no_gains(value: float) -> None:
    assert estimate_gains(np.full((40, 60, 3), value, np.float32)) == (1, 1, 1)


def test_clipped_areas_do_not_count() -> None:
    scene = grey() * CAST
    cv2.rectangle(scene, (10, 10), (80, 90), (1.0, 1.0, 0.3), -1)
    plain, covered = (np.array(estimate_gains(one)) for one in (grey() * CAST, scene))
    np.testing.assert_allclose(covered, plain, rtol=0.05)
