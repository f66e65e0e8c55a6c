"""Deblocking."""

import cv2
import numpy as np
import pytest
from filter_pictures import build_scene, compress, squared_error, to_dtype

from kinoloom.enhance.filters.deblock.filter import Deblock, Method, quantization_scale
from kinoloom.enhance.filters.filter import Context, apply

METHODS: tuple[Method, ...] = ("transform", "borders")


def build_smooth_scene() -> np.ndarray:
    return np.asarray(cv2.GaussianBlur(build_scene(128, 160, 5), (0, 0), 1.5))


def blockiness(picture: np.ndarray) -> float:
    """Mean step across the borders of blocks, less that inside them."""
    steps = np.abs(np.diff(picture.astype(np.float64), axis=1)).mean(axis=(0, 2))
    return float(steps[7::8].mean() - steps[3::8].mean())


@pytest.mark.parametrize("quality", [10, 20, 40])
@pytest.mark.parametrize(("method", "gain"), [("transform", 0.9), ("borders", 0.99)])
def test_compressed_pictures_come_closer_to_the_original(
    quality: int, method: Method, gain: float
) -> None:
    scene = build_smooth_scene()
    original = to_dtype(scene, np.uint8)
    packed = compress(scene, quality)
    result = apply(packed, [Deblock(quality=quality, method=method)])
    assert squared_error(result, original) < gain * squared_error(packed, original)
    assert blockiness(result) < 0.5 * blockiness(packed)


def test_the_grid_follows_the_origin() -> None:
    scene = build_smooth_scene()
    original, packed = to_dtype(scene, np.uint8), compress(scene, 15)
    cropped = np.ascontiguousarray(packed[5:, 3:])
    one = Deblock(quality=15, method="borders")
    right = apply(cropped, [one], Context(origin=(5, 3)))
    wrong = apply(cropped, [one], Context(origin=(6, 4)))
    truth = original[5:, 3:]
    assert squared_error(right, truth) < squared_error(wrong, truth)


@pytest.mark.parametrize("method", METHODS)
def test_the_quality_may_come_from_the_context(method: Method) -> None:
    packed = compress(build_scene(), 20)
    stated = apply(packed, [Deblock(quality=20, method=method)])
    measured = apply(packed, [Deblock(method=method)], Context(jpeg_quality=20))
    assert (stated == measured).all()
    unknown = apply(packed, [Deblock(method=method)])
    assert (unknown == apply(packed, [Deblock(quality=50, method=method)])).all()


@pytest.mark.parametrize("method", METHODS)
def test_higher_quality_changes_less(method: Method) -> None:
    packed = compress(build_scene(), 20)
    changes = [
        squared_error(apply(packed, [Deblock(quality=quality, method=method)]), packed)
        for quality in (10, 30, 60, 95, 100)
    ]
    assert changes == sorted(changes, reverse=True)
    assert changes[-1] == 0


def test_edges_on_the_grid_are_kept() -> None:
    picture = np.full((64, 64, 3), 0.2, np.float32)
    picture[:, 32:] = 0.8
    for method in METHODS:
        result = Deblock(quality=30, method=method)(picture)
        np.testing.assert_allclose(result, picture, atol=0.012)


def test_a_small_step_in_flat_blocks_becomes_a_ramp() -> None:
    picture = np.full((32, 64, 3), 0.4, np.float32)
    picture[:, 32:] += 0.016
    result = Deblock(quality=20, method="borders")(picture)
    steps = np.diff(result[16, 27:37, 0])
    np.testing.assert_allclose(steps[1:8], 0.002, atol=1e-5)
    np.testing.assert_allclose(result[:, :28], 0.4, atol=1e-6)


def test_strength_blends() -> None:
    packed = compress(build_scene(), 20) / np.float32(255)
    full, half = (Deblock(quality=20, strength=s)(packed) for s in (1, 0.5))
    inside = (full > 0) & (full < 1)
    np.testing.assert_allclose(half[inside], ((packed + full) / 2)[inside], atol=1e-6)


@pytest.mark.parametrize(("quality", "scale"), [(10, 5), (25, 2), (50, 1), (75, 0.5), (100, 0)])
def test_the_scale_is_that_of_libjpeg(quality: int, scale: float) -> None:
    assert quantization_scale(quality) == pytest.approx(scale)
