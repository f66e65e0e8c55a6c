"""The work on one picture: tiles, sizes, types of samples, strength."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from enhance_pictures import draw, settings_of, work_of
from hypothesis import given, settings
from hypothesis import strategies as st
from measured import measured
from onnx_networks import save_denoiser, save_upscaler

from kinoloom.base.arrays import from_float, to_float
from kinoloom.enhance.estimate.noise import Noise
from kinoloom.enhance.filters.filter import Context
from kinoloom.enhance.networks.denoiser import NetworkDenoiser
from kinoloom.enhance.photos import enhance_picture
from kinoloom.enhance.pictures.building import describe_context
from kinoloom.enhance.pictures.resizing import resize
from kinoloom.enhance.pictures.stages import DenoiseStage, FilterStage, map_noise, mix
from kinoloom.enhance.pictures.work import PictureWork, least_bytes, plan_tiles
from kinoloom.errors import BudgetError, UsageError

FLOAT, BYTE, WORD = np.dtype(np.float32), np.dtype(np.uint8), np.dtype(np.uint16)
PLENTY = 1 << 40
CORRECTIONS = ("chroma", "white_balance", "lowlight", "sharpen", "deband", "grain")


def tile_count(work: PictureWork, shape: tuple[int, ...]) -> int:
    return plan_tiles(work.stages, shape, work.memory_bytes).count


@pytest.mark.parametrize(
    "values",
    [
        {"scale": 2, "tier": "live"},
        {"scale": 1.7, "tier": "fast", "sharpen": True},
        {"scale": 4, "tier": "live"},
        {"deblock": True},
        {"curves": "r=0/0 0.5/0.7 1/1"},
        *({name: True} for name in CORRECTIONS),
        {"scale": 2, "strength": 0.5, "chroma": True, "deband": True},
    ],
    ids=str,
)
def test_tiles_equal_the_whole(values: dict[str, object]) -> None:
    picture = draw(288, 320)
    chosen = settings_of(measured(jpeg_quality=40), **values)
    tiled = work_of(chosen, 320, 288)
    whole = replace(tiled, memory_bytes=PLENTY)
    assert tile_count(whole, picture.shape) == 1
    last = [FilterStage(one) for one in tiled.filters]
    result_shape = (*tiled.size(320, 288)[::-1], 3)
    filters = plan_tiles(last, result_shape, tiled.memory_bytes).count
    assert tile_count(tiled, picture.shape) > 1 or (last and filters > 1)
    context = describe_context(chosen, picture, 8)
    results = [work.run(picture, context, FLOAT) for work in (tiled, whole)]
    assert results[0].shape == (*chosen.find_size(320, 288)[::-1], 3)
    np.testing.assert_allclose(results[0], results[1], atol=1e-6)
    assert results[0].shape != picture.shape or np.abs(results[0] - picture).max() > 1e-3


def test_denoised_tiles_equal_the_whole(tmp_path: Path) -> None:
    network = NetworkDenoiser(save_denoiser(tmp_path / "net.onnx"))
    stage = DenoiseStage(network, Noise(9.0, 20.0, 0.5), 0.7)
    least = least_bytes([stage], 120, 130)
    tiled = PictureWork((stage,), lambda width, height: (width, height), (), least)
    picture = draw(130, 120)
    assert tile_count(tiled, picture.shape) > 1
    whole = replace(tiled, memory_bytes=PLENTY)
    results = [work.run(picture, Context(), FLOAT) for work in (tiled, whole)]
    np.testing.assert_allclose(results[0], results[1], atol=1e-6)
    assert (results[0] > picture).mean() > 0.9  # the test network adds the noise level


def test_too_little_memory_states_what_is_sufficient() -> None:
    chosen = settings_of(scale=2, tier="live")
    work = work_of(chosen, 320, 288)
    context = Context()
    work.run(draw(288, 320), context, BYTE)
    with pytest.raises(BudgetError, match=r"The smallest tile needs [\d.]+ \w+, but") as caught:
        replace(work, memory_bytes=work.memory_bytes - 1).run(draw(288, 320), context, BYTE)
    assert "--memory" in caught.value.hint


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (5, 1), (3, 2), (17, 31)])
@pytest.mark.parametrize("dtype", [BYTE, WORD, FLOAT], ids=str)
@pytest.mark.parametrize("scale", [1, 2, 2.5, 0.5])
def test_any_size_and_type(
    size: tuple[int, int], dtype: np.dtype[np.generic], scale: float
) -> None:
    picture = from_float(draw(*size), dtype)
    chosen = settings_of(
        measured(), scale=scale, **dict.fromkeys(CORRECTIONS, True), curves="r=0/0 0.5/0.6 1/1"
    )
    result = enhance_picture(picture, chosen, PLENTY, 8 if dtype == BYTE else 16)
    width, height = chosen.find_size(size[1], size[0])
    assert (result.shape, result.dtype) == ((height, width, 3), dtype)
    assert np.isfinite(to_float(result)).all()


@settings(max_examples=25, deadline=None)
@given(
    height=st.integers(1, 40),
    width=st.integers(1, 40),
    scale=st.floats(0.05, 3.5),
    seed=st.integers(0, 1000),
)
def test_enlarging_and_reducing_keeps_the_mean(
    height: int, width: int, scale: float, seed: int
) -> None:
    picture = draw(height, width, seed) * np.float32(0.6) + np.float32(0.2)
    result = enhance_picture(picture, settings_of(scale=scale, tier="live"), PLENTY, 8)
    assert np.abs(result.mean((0, 1)) - picture.mean((0, 1))).max() < 0.12


@pytest.mark.parametrize("dtype", [BYTE, WORD, FLOAT], ids=str)
def test_strength_0_changes_nothing(dtype: np.dtype[np.generic], tmp_path: Path) -> None:
    picture = from_float(draw(48, 56), dtype)
    chosen = settings_of(
        measured(),
        strength=0,
        **dict.fromkeys(CORRECTIONS, True),
        deblock=True,
        curves="r=0/0 0.5/0.6 1/1",
    )
    np.testing.assert_array_equal(enhance_picture(picture, chosen, PLENTY, 8), picture)
    enlarged = enhance_picture(picture, replace_options(chosen, scale=2.0), PLENTY, 8)
    plain = cv2.resize(to_float(picture), (112, 96), interpolation=cv2.INTER_CUBIC)
    np.testing.assert_array_equal(enlarged, from_float(plain, dtype))


def replace_options(chosen: object, **values: object) -> object:
    options = replace(chosen.options, **values)  # type: ignore[attr-defined]
    return replace(chosen, options=options)  # type: ignore[type-var]


def test_strength_mixes_results() -> None:
    picture = draw(40, 44)
    half, full, none = (
        enhance_picture(picture, settings_of(scale=2, tier="live", strength=s), PLENTY, 16)
        for s in (0.5, 1, 0)
    )
    assert np.abs(full - none).max() > 0.01
    np.testing.assert_allclose(half, np.clip((full + none) / 2, 0, 1), atol=0.02)
    before, after = np.zeros(3, np.float32), np.ones(3, np.float32)
    assert mix(before, after, 0.25).tolist() == [0.25] * 3


def test_16_bits_are_not_rounded_to_8_on_the_way() -> None:
    y, x = np.mgrid[:32, :40]
    ramp = (30_000 + 3 * x + 2 * y).astype(np.uint16)
    picture = np.stack([ramp] * 3, axis=2)
    for values in (
        {"scale": 1.5},
        {"scale": 2, "sharpen": True},
        {"curves": "r=0/0 1/1", "scale": 2},
    ):
        result = enhance_picture(picture, settings_of(tier="live", **values), PLENTY, 16)
        assert len(np.unique(result)) > 150


def test_a_user_network_is_applied_until_the_picture_is_large_enough(tmp_path: Path) -> None:
    network = save_upscaler(tmp_path / "net.onnx")
    picture = from_float(draw(10, 12), BYTE)
    chosen = settings_of(scale=4, weights=str(network))
    result = enhance_picture(picture, chosen, PLENTY, 8)
    np.testing.assert_array_equal(result, picture.repeat(4, 0).repeat(4, 1))
    smaller = enhance_picture(picture, settings_of(scale=3, weights=str(network)), PLENTY, 8)
    assert smaller.shape == (30, 36, 3)


def test_a_result_beyond_the_longest_side_is_rejected() -> None:
    with pytest.raises(UsageError, match="would have 40000x64 pixels"):
        enhance_picture(draw(1, 625), settings_of(scale=64), PLENTY, 8)


def test_noise_maps_follow_brightness() -> None:
    picture = np.zeros((20, 30, 3), np.float32)
    picture[:, 15:] = 1
    assert map_noise(picture, Noise(5.0, 25.0, 0.0)) == 5.0 / 255
    found = map_noise(picture, Noise(5.0, 4.0, 0.5))
    assert isinstance(found, np.ndarray)
    assert found[10, 2] == pytest.approx(2 / 255)
    assert found[10, 27] == pytest.approx(np.sqrt(4 + 0.5 * 255) / 255)
    assert np.isfinite(np.asarray(map_noise(picture, Noise(5.0, -9.0, 0.01)))).all()


@pytest.mark.parametrize("shape", [(9, 11), (9, 11, 1), (9, 11, 3), (9, 11, 4)])
@pytest.mark.parametrize("size", [(11, 9), (22, 18), (5, 4), (1, 1), (3, 40)])
def test_resizing_keeps_axes_types_and_constants(
    shape: tuple[int, ...], size: tuple[int, int]
) -> None:
    for dtype in (np.uint8, np.uint16, np.float32):
        picture = np.full(shape, 7, dtype)
        result = resize(picture, *size)
        assert (result.shape, result.dtype) == ((size[1], size[0], *shape[2:]), picture.dtype)
        assert np.abs(result.astype(float) - 7).max() < 1e-5


def test_reductions_do_not_alias() -> None:
    stripes = np.zeros((64, 64, 3), np.float32)
    stripes[::2] = 1
    assert np.abs(resize(stripes, 16, 16) - 0.5).max() < 0.01
