"""Rendering of photo films: resized fields, main motions, and their samples."""

import tracemalloc

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from kinoloom.base.arrays import Picture
from kinoloom.film.synthesis.candidates import Candidate
from kinoloom.film.synthesis.main_motion import find_main_motion
from kinoloom.film.synthesis.pixels import unpremultiply_alpha
from kinoloom.film.synthesis.rendering import render_frame
from kinoloom.film.synthesis.upsampling import upsample_rows
from kinoloom.film.synthesis.warping import MotionSource, blend_source, warp_pair
from kinoloom.motion.flow import Kernel

Floats = NDArray[np.float32]


@pytest.mark.parametrize("size", [(60, 80), (61, 83), (30, 40)])
@pytest.mark.parametrize("channels", [(), (4,)])
def test_rows_equal_those_of_the_resized_field(
    size: tuple[int, int], channels: tuple[int, ...]
) -> None:
    field = np.random.default_rng(0).random((30, 40, *channels), np.float32)
    whole = upsample_rows([field], slice(0, size[0]), *size)
    np.testing.assert_allclose(whole, cv2.resize(field, size[::-1]), atol=1e-5)
    parts = [upsample_rows([field], slice(k, min(k + 7, size[0])), *size) for k in range(0, 61, 7)]
    np.testing.assert_array_equal(np.concatenate(parts), whole)


def test_fields_travel_together() -> None:
    rng = np.random.default_rng(0)
    motion, weights = rng.random((2, 30, 40, 2), np.float32)
    both = upsample_rows([motion, weights], slice(3, 50), 61, 83)
    alone = [upsample_rows([each], slice(3, 50), 61, 83) for each in (motion, weights)]
    np.testing.assert_allclose(both, np.dstack(alone), atol=1e-5)
    same = upsample_rows([motion, weights], slice(3, 20), 30, 40)
    np.testing.assert_array_equal(same, np.dstack([motion, weights])[3:20])


def test_rows_take_no_memory_for_the_rest_of_the_field() -> None:
    motion, weights = np.zeros((2, 4000, 40, 2), np.float32)
    tracemalloc.start()
    upsample_rows([motion, weights], slice(100, 110), 8000, 80)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < motion.nbytes / 10


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("channels", [3, 4])
def test_blended_frame_equals_the_blend_of_warped_images(dtype: type, channels: int) -> None:
    rng = np.random.default_rng(0)
    top = 1 if dtype is np.float32 else np.iinfo(dtype).max
    first, second = np.asarray(rng.random((2, 61, 83, channels), np.float32) * top, dtype)
    motion = rng.normal(0, 3, (30, 40, 2)).astype(np.float32)
    candidates = [
        build_candidate(2, 0.3, 0),
        Candidate(motion, build_candidate(0, 0.2, 0.5).weights),
    ]
    source = MotionSource(candidates, "cubic")
    frame = blend_source(first, second, source, 0.3)
    warped = warp_pair(first, second, source, 0.3, (slice(0, 61), slice(0, 83)))
    expected = unpremultiply_alpha(warped.blend(), like=first)
    assert frame.dtype == dtype
    # Where an image has little weight, its part of the pair tends to the mean of both.
    assert np.abs(frame.astype(float) - expected).max() / top < 0.01


def build_candidate(x: float, before: float, after: float) -> Candidate:
    """Return a candidate with the same motion and weights everywhere."""
    motion = np.zeros((30, 40, 2), np.float32)
    motion[..., 0] = x
    weights = np.empty((30, 40, 2), np.float32)
    weights[...] = before, after
    return Candidate(motion, weights)


def build_planes(seed: int) -> Floats:
    return np.random.default_rng(seed).uniform(0, 255, (30, 40, 4)).astype(np.float32)


def test_agreeing_candidates_are_averaged() -> None:
    found = find_main_motion(
        [build_candidate(4.0, 0.3, 0.1), build_candidate(4.4, 0.3, 0.3)],
        0.5,
        (build_planes(0), build_planes(1)),
        60,
        80,
    )
    assert found.rests == (None, None)
    expected = [-0.5 * 4.2 * 2, 0, 0.5 * 4.3 * 2, 0]
    np.testing.assert_allclose(found.displacements[5, 5], expected, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose([each[5, 5] for each in found.weights], [0.6, 0.4], rtol=1e-4)


def test_other_candidates_are_sampled_on_the_grid() -> None:
    planes = build_planes(0), build_planes(1)
    found = find_main_motion(
        [build_candidate(4.0, 0.5, 0.0), build_candidate(-8.0, 0.3, 0.2)], 0.5, planes, 60, 80
    )
    rest, nothing = found.rests
    assert rest is not None
    assert nothing is None
    np.testing.assert_allclose(rest[..., 3], 0.625, rtol=1e-4)
    moved = planes[0][5, 5 + 4, :3]
    np.testing.assert_allclose(rest[5, 5, :3], 0.375 * moved, rtol=1e-4)
    np.testing.assert_allclose(found.displacements[5, 5], [-4, 0, -8, 0], rtol=1e-4)


@pytest.mark.parametrize("kernel", ["bilinear", "cubic"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_one_motion_is_rendered_as_by_warping(kernel: Kernel, dtype: type) -> None:
    rng = np.random.default_rng(0)
    one, other = rng.random((2, 60, 80, 3), np.float32)
    top = 1 if dtype is np.float32 else np.iinfo(dtype).max
    first: Picture = np.asarray(one * top, dtype)
    second: Picture = np.asarray(other * top, dtype)
    motion = rng.normal(0, 2, (30, 40, 2)).astype(np.float32)
    weights = rng.uniform(0.1, 0.5, (30, 40, 1)).astype(np.float32)
    source = MotionSource([Candidate(motion, np.dstack([weights, 1 - weights]))], kernel)
    planes = build_planes(0), build_planes(1)
    frame = render_frame((first, second), planes, [source], 0.3)
    expected = blend_source(first, second, source, 0.3)
    assert frame.dtype == dtype
    difference = np.abs(frame.astype(float) - expected) / top
    assert difference.max() < 0.02
    assert difference.mean() < 0.002


def test_weights_choose_the_image() -> None:
    first, second = (np.full((60, 80, 3), level, np.uint8) for level in (40, 200))
    sources = [MotionSource([build_candidate(k, 0.5, 0.5)], "cubic") for k in range(2)]
    planes = build_planes(0), build_planes(1)

    def read_weights(source: int, side: int, rows: slice) -> Floats:
        return np.full((rows.stop - rows.start, 80), 64 * side, np.float32)

    frame = render_frame((first, second), planes, sources, 0.5, read_weights)
    assert (frame == 200).all()
