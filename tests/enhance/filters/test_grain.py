"""Grain: measuring, synthesis, and putting it back."""

import cv2
import numpy as np
import pytest
from filter_pictures import build_scene, to_dtype

from kinoloom.enhance.filters.filter import Context
from kinoloom.enhance.filters.grain import Grain, synthesize_grain
from kinoloom.enhance.filters.grain_model import BLOCK, GrainModel, measure_grain
from kinoloom.errors import ArrayError

WEIGHTS = np.array([0.299, 0.587, 0.114])


def build_base() -> np.ndarray:
    rows, columns = np.mgrid[:320, :400] / 400
    planes = [0.2 + 0.6 * columns, 0.3 + 0.4 * rows, 0.25 + 0.5 * rows * columns]
    return np.stack(planes, axis=2).astype(np.float32)


def build_grain(level: float, blur: float, seed: int = 0) -> np.ndarray:
    """Grain whose luma has a standard deviation, blurred by a Gaussian."""
    noise = np.random.default_rng(seed).normal(0, 1, (320, 400, 3)).astype(np.float32)
    if blur:
        noise = np.asarray(cv2.GaussianBlur(noise, (0, 0), blur))
    return np.asarray(noise * (level / (noise @ WEIGHTS).std()), np.float32)


@pytest.mark.parametrize("blur", [0, 0.5, 0.8])
@pytest.mark.parametrize("level", [0.008, 0.03])
def test_the_level_is_measured(blur: float, level: float) -> None:
    base = build_base()
    picture = np.clip(base + build_grain(level, blur), 0, 1)
    for model in (measure_grain(picture), measure_grain(picture, base)):
        np.testing.assert_allclose(model.levels[2:5], level, rtol=0.1)


def test_structure_is_not_taken_for_grain() -> None:
    scene = build_scene(320, 400)  # its noise has a standard deviation of 0.01 a channel
    assert measure_grain(scene).level < 0.009


@pytest.mark.parametrize("blur", [0, 0.8])
def test_grain_comes_back_with_its_level_and_spectrum(blur: float) -> None:
    base = build_base()
    model = measure_grain(np.clip(base + build_grain(0.02, blur), 0, 1), base)
    result = Grain()(base, Context(grain=model))
    again = measure_grain(result, base)
    np.testing.assert_allclose(again.levels[2:5], model.levels[2:5], rtol=0.1)
    strong = model.spectrum > 0.3
    np.testing.assert_allclose(again.spectrum[strong], model.spectrum[strong], rtol=0.35)
    error = np.abs(again.spectrum - model.spectrum).mean()
    assert error < 0.1
    assert abs(float((result - base).mean())) < 1e-3


def test_the_level_follows_the_luma() -> None:
    base = build_base()
    luma = (base @ WEIGHTS)[..., None]
    picture = np.clip(base + build_grain(0.02, 0) * (0.5 + luma), 0, 1).astype(np.float32)
    model = measure_grain(picture, base)
    np.testing.assert_allclose(model.levels[2:5], 0.02 * (0.5 + np.arange(2, 5) / 7), rtol=0.12)
    noise = Grain()(base, Context(grain=model)) - base
    dark, light = luma[..., 0] < 0.4, luma[..., 0] > 0.6
    assert noise[light].std() > 1.15 * noise[dark].std()


def test_the_correlation_of_the_channels_is_kept() -> None:
    base = build_base()
    grey = build_grain(0.02, 0)[..., :1].repeat(3, axis=2) * np.float32([1, 1, 0.5])
    noise = Grain()(base, Context(grain=measure_grain(base + grey, base))) - base
    red, green, blue = noise.reshape(-1, 3).T
    assert np.corrcoef(red, green)[0, 1] > 0.98
    assert blue.std() == pytest.approx(red.std() / 2, rel=0.05)


def test_grain_depends_on_seed_and_frame_only() -> None:
    model = measure_grain(build_base() + build_grain(0.02, 0.5))
    first = synthesize_grain(model, 1, 0)
    assert (first == synthesize_grain(model, 1, 0)).all()
    for seed, frame in ((1, 1), (2, 0), (0, 1)):
        other = synthesize_grain(model, seed, frame)
        assert abs(np.corrcoef(first[..., 1].ravel(), other[..., 1].ravel())[0, 1]) < 0.02
    assert (first @ WEIGHTS).std() == pytest.approx(1, abs=0.03)


def test_a_picture_without_grain_has_none() -> None:
    base = build_base()
    model = measure_grain(base, base)
    assert model.level == 0
    assert Grain()(base, Context(grain=model)) is base


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_integer_pictures_are_measured_too(dtype: type) -> None:
    picture = np.clip(build_base() + build_grain(0.02, 0.5), 0, 1)
    rounded = measure_grain(to_dtype(picture, dtype))
    np.testing.assert_allclose(rounded.levels, measure_grain(picture).levels, rtol=0.03)


def test_large_pictures_are_sampled_evenly() -> None:
    picture = np.random.default_rng(2).normal(0, 0.02, (1200, 1200, 3))
    picture[600:] *= 2
    picture[:600] += 3 / 7
    picture[600:] += 5 / 7
    model = measure_grain(np.clip(picture, 0, 1).astype(np.float32))
    expected = 0.02 * np.sqrt(np.square(WEIGHTS).sum())
    np.testing.assert_allclose(model.levels[[3, 5]], [expected, 2 * expected], rtol=0.03)


def test_wrong_arguments_are_rejected() -> None:
    scene = build_scene()
    with pytest.raises(ArrayError, match="at least 64x64 pixels, not 128x63"):
        measure_grain(scene[:63])
    with pytest.raises(ArrayError, match="denoised picture must be"):
        measure_grain(scene, scene[1:])
    levels, spectrum = np.zeros(8, np.float32), np.ones((BLOCK, BLOCK), np.float32)
    with pytest.raises(ArrayError, match=r"arrays of \(8,\), \(16, 16\) and \(3, 3\)"):
        GrainModel(levels[:7], spectrum, np.eye(3, dtype=np.float32))
    with pytest.raises(ArrayError, match="finite and at least 0"):
        GrainModel(levels - 1, spectrum, np.eye(3, dtype=np.float32))
