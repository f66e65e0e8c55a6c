"""Brightening of dark pictures."""

import numpy as np
from filter_pictures import build_scene, pictures
from hypothesis import given, settings

from kinoloom.enhance.filters.filter import Context
from kinoloom.enhance.filters.lowlight import LowLight


def flat(value: float) -> np.ndarray:
    return np.full((48, 48, 3), value, np.float32)


@given(picture=pictures())
@settings(max_examples=40)
def test_hue_and_saturation_stay(picture: np.ndarray) -> None:
    result = LowLight(strength=1)(picture)
    gain = result.max(axis=2) / np.maximum(picture.max(axis=2), 1e-9)
    np.testing.assert_allclose(result, np.minimum(picture * gain[..., None], 1), atol=2e-6)


@given(picture=pictures())
@settings(max_examples=40)
def test_gains_are_bounded(picture: np.ndarray) -> None:
    for bound in (1.0, 2.5):
        result = LowLight(strength=1, max_gain=bound)(picture)
        assert (result <= picture * (bound + 1e-4) + 1e-6).all()
        assert (result >= picture * (1 - 1e-4) - 1e-6).all()


def test_dark_areas_become_brighter_than_light_ones() -> None:
    gains = [float(LowLight()(flat(v))[24, 24, 0]) / v for v in (0.05, 0.15, 0.4, 0.7, 1.0)]
    assert gains == sorted(gains, reverse=True)
    assert gains[0] > 1.8
    assert gains[-1] == 1
    values = [float(LowLight(strength=1)(flat(v))[24, 24, 0]) for v in np.linspace(0.01, 1, 60)]
    assert values == sorted(values)


def test_black_stays_black() -> None:
    assert LowLight(strength=1)(flat(0)).max() == 0


def test_noise_stays_below_its_bound() -> None:
    noise = np.random.default_rng(1).normal(0, 0.02, (96, 96, 3))
    dark = np.clip(0.12 + noise, 0, 1).astype(np.float32)
    free = LowLight(strength=1, max_noise=0.03)(dark)
    bounded = LowLight(strength=1, max_noise=0.03)(dark, Context(noise=0.02))
    assert free.std() > 0.036
    assert bounded.std() < 0.031
    assert bounded.mean() > 1.2 * dark.mean()


def test_edges_of_the_illumination_have_no_wide_halos() -> None:
    picture = flat(0.1).repeat(4, axis=1)
    picture[:, 96:] = 0.8
    result = LowLight(strength=1)(picture)[24, :, 0]
    assert abs(result[80] - result[20]) < 0.25 * (result[20] - 0.1)
    assert (np.diff(result) >= -0.03).all()


def test_strength_is_gradual() -> None:
    scene = build_scene() * np.float32(0.3)
    means = [float(LowLight(strength=s)(scene).mean()) for s in (0.1, 0.4, 0.7, 1.0)]
    assert means == sorted(means)
    assert means[0] > scene.mean()
