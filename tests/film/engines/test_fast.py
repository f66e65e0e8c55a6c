"""The engine `fast`: motion, formats, memory limits, and its motion candidates."""

import numpy as np
import pytest
from frames import render
from scenes import texture, view

from kinoloom.errors import ArrayError, BudgetError
from kinoloom.film.engine import EngineOptions, Interpolator
from kinoloom.film.engines import fast as fast_module
from kinoloom.film.engines.blend import BLEND
from kinoloom.film.engines.dis import DIS
from kinoloom.film.engines.fast import FAST
from kinoloom.film.synthesis import sampling as sampling_module
from kinoloom.film.synthesis.candidates import build_candidates, build_views
from kinoloom.film.synthesis.warping import MotionSource, warp_pair
from kinoloom.metrics import psnr, ssim
from kinoloom.motion.flow import Kernel

ROOMY = EngineOptions(1 << 30)
ENGINE = FAST.build(ROOMY)


def interpolate_one(
    first: np.ndarray, second: np.ndarray, time: float = 0.5, engine: Interpolator = ENGINE
) -> np.ndarray:
    (result,) = render(engine, first, second, [time])
    return result


def scene(time: float) -> np.ndarray:
    """Render a camera pan over a texture, with a moving square of another texture."""
    picture = view(texture(1), 40 + 8 * time, 30, (176, 128))
    left, top = round(20 + 10 * time), 40
    picture[top : top + 40, left : left + 40] = texture(2)[100:140, 100:140]
    return picture


@pytest.mark.parametrize("time", [0.5, 0.25, 0.75])
def test_moving_object_is_at_its_place_at_the_time(time: float) -> None:
    first, truth, second = scene(0), scene(time), scene(1)
    result = interpolate_one(first, second, time)
    assert psnr(result, truth) > 30
    for baseline in (DIS, BLEND):
        rival = interpolate_one(first, second, time, baseline.build(ROOMY))
        assert psnr(result, truth) > psnr(rival, truth) + 0.5
        assert ssim(result, truth) > ssim(rival, truth)


def test_camera_shift_of_30_percent_with_a_moving_object() -> None:
    def photo(time: float) -> np.ndarray:
        picture = view(texture(5, 800, 400), 40 + 120 * time, 30, (400, 240))
        left = round(200 - 90 * time)
        picture[100:124, left : left + 24] = texture(6)[50:74, 50:74]
        return picture

    seen_in_both = np.s_[:, 140:-140]
    result = interpolate_one(photo(0), photo(1))[seen_in_both]
    assert psnr(result, photo(0.5)[seen_in_both]) > 24
    forward, backward = ENGINE.estimate_flow(photo(0), photo(1))
    assert np.median(np.abs(forward[seen_in_both] - [-120, 0])) < 0.5
    assert np.median(np.abs(backward[seen_in_both] - [120, 0])) < 0.5


def test_occluded_regions_come_from_the_image_that_shows_them() -> None:
    """In a pan to the right, only the first image shows the left edge, only the last the right."""
    picture = texture(5, 800, 400)
    first, truth, second = (view(picture, 40 + 40 * t, 30, (240, 160)) for t in (0, 0.5, 1))
    result = interpolate_one(first, second)
    plain = interpolate_one(first, second, engine=DIS.build(ROOMY))
    for edge in (np.s_[:, 2:26], np.s_[:, -26:-2]):
        assert psnr(result[edge], truth[edge]) > psnr(plain[edge], truth[edge]) + 6


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("size", [(1, 1), (1, 45), (37, 2), (41, 67)])
def test_every_size_and_dtype_is_kept(size: tuple[int, int], dtype: str, channels: int) -> None:
    rng = np.random.default_rng(0)
    top = 1 if dtype == "float32" else np.iinfo(dtype).max
    first, second = (rng.random((2, *size, channels)) * top).astype(dtype)
    for result in render(ENGINE, first, second, [0.2, 0.5]):
        assert result.shape == first.shape
        assert result.dtype == first.dtype
        assert result.min() >= 0
        assert result.max() <= top
    forward, backward = ENGINE.estimate_flow(first, second)
    assert forward.shape == backward.shape == (*size, 2)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_identical_images_are_returned(dtype: str) -> None:
    picture = scene(0).astype(dtype) / (1 if dtype != "float32" else np.float32(255))
    picture = picture.astype(dtype)
    for result in render(ENGINE, picture, picture.copy(), [0.25, 0.5]):
        np.testing.assert_array_equal(result, picture)
        assert not np.shares_memory(result, picture)


def test_static_regions_stay_unchanged() -> None:
    first, second = scene(0), scene(0)
    first[40:60, 20:40], second[40:60, 30:50] = 255, 255
    result = interpolate_one(first, second)
    assert np.abs(result[90:].astype(int) - first[90:]).max() <= 1


def test_dtypes_agree() -> None:
    first, second = scene(0), scene(1)
    bytes_ = interpolate_one(first, second).astype(float)
    words = interpolate_one(first.astype(np.uint16) * 257, second.astype(np.uint16) * 257) / 257
    floats = interpolate_one(first / np.float32(255), second / np.float32(255)) * 255
    assert np.abs(words - bytes_).max() < 3
    assert np.abs(floats - bytes_).max() < 3


def test_opaque_image_equals_one_without_alpha() -> None:
    first, second = scene(0), scene(1)
    opaque1, opaque2 = (
        np.dstack([p, np.full(p.shape[:2], 255, np.uint8)]) for p in (first, second)
    )
    result = interpolate_one(opaque1, opaque2)
    assert (result[..., 3] == 255).all()
    assert np.abs(result[..., :3].astype(int) - interpolate_one(first, second)).max() <= 1


def test_alpha_moves_and_hidden_colours_do_not_bleed() -> None:
    def sprite(left: int) -> np.ndarray:
        picture = np.full((96, 128, 4), (255, 0, 0, 0), np.uint8)  # red where transparent
        picture[30:70, left : left + 40] = (0, 90, 200, 255)
        return picture

    result = interpolate_one(sprite(20), sprite(40))
    seen = result[..., 3] > 0
    assert result[seen, 0].max() <= 1
    wanted = sprite(30)[..., 3] > 127
    assert ((result[..., 3] > 127) == wanted).mean() > 0.99


def test_several_times_share_one_analysis(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    found = fast_module.dense_flow
    monkeypatch.setattr(fast_module, "dense_flow", lambda *given: calls.append(1) or found(*given))
    first, second = scene(0), scene(1)
    times = [0.75, 0.25, 0.5]
    together = render(ENGINE, first, second, times)
    assert len(calls) == 2
    for time, result in zip(times, together, strict=True):
        np.testing.assert_array_equal(result, interpolate_one(first, second, time))


def test_result_is_symmetric_in_time() -> None:
    first, second = scene(0), scene(1)
    there, back = interpolate_one(first, second, 0.25), interpolate_one(second, first, 0.75)
    assert psnr(there, back) > 40


def test_band_is_bit_identical_to_the_whole_frame() -> None:
    rng = np.random.default_rng(0)
    first, second = rng.integers(0, 256, (2, 61, 75, 3), np.uint8)
    small = [p[::3, ::2].astype(np.float32) for p in (first, second)]
    flows = rng.normal(0, 4, (2, *small[0].shape[:2], 2)).astype(np.float32)
    found, _ = build_candidates(*build_views(*small, *flows), 0.4)
    source = MotionSource(found, "cubic")

    def warp(top: int, bottom: int) -> np.ndarray:
        box = slice(top, bottom), slice(0, 75)
        return warp_pair(first, second, source, 0.4, box).blend()

    whole = warp(0, 61)
    parts = [warp(top, min(top + 7, 61)) for top in range(0, 61, 7)]
    np.testing.assert_array_equal(np.concatenate(parts), whole)


def test_weights_of_a_pixel_sum_to_one() -> None:
    rng = np.random.default_rng(0)
    small = rng.uniform(0, 255, (2, 20, 30, 3)).astype(np.float32)
    flows = rng.normal(0, 9, (2, 20, 30, 2)).astype(np.float32)
    found, _ = build_candidates(*build_views(*small, *flows), 0.3)
    total = sum(candidate.weights.sum(axis=2) for candidate in found)
    np.testing.assert_allclose(total, 1, rtol=1e-5)


def test_strided_and_read_only_arrays_are_supported() -> None:
    first, second = scene(0), scene(1)
    mirrored = interpolate_one(first[:, ::-1], second[:, ::-1])
    np.testing.assert_array_equal(
        mirrored, interpolate_one(first[:, ::-1].copy(), second[:, ::-1].copy())
    )
    first.flags.writeable = second.flags.writeable = False
    assert interpolate_one(first, second).shape == first.shape


@pytest.mark.parametrize(("flow_scale", "memory"), [(0.5, 1 << 30), (1.0, 47_000_000)])
def test_coarse_flow_still_follows_motion(flow_scale: float, memory: int) -> None:
    first, truth, second = (np.repeat(np.repeat(scene(t), 4, 0), 4, 1) for t in (0, 0.5, 1))
    engine = FAST.build(EngineOptions(memory, flow_scale))
    _, columns = engine.choose_grid(first)
    assert columns < first.shape[1] // 2
    result = interpolate_one(first, second, engine=engine)
    assert (
        psnr(result, truth)
        > psnr(interpolate_one(first, second, engine=BLEND.build(ROOMY)), truth) + 2
    )


def test_insufficient_memory_is_rejected() -> None:
    pictures = scene(0), scene(1)
    engine = FAST.build(EngineOptions(1_000_000))
    with pytest.raises(BudgetError, match=r"176x128 .* 1.00 MB") as caught:
        render(engine, *pictures, [0.5])
    assert "--memory" in caught.value.hint
    with pytest.raises(BudgetError):
        engine.estimate_flow(*pictures)


def test_image_beyond_the_size_limit_is_rejected() -> None:
    wide = np.zeros((1, 32767, 3), np.uint8)
    with pytest.raises(ArrayError, match="32766"):
        interpolate_one(wide, wide + np.uint8(1))


@pytest.mark.parametrize("other", [np.zeros((4, 6, 3), np.uint8), np.zeros((4, 5, 3), np.uint16)])
def test_images_of_different_formats_are_rejected(other: np.ndarray) -> None:
    first = np.zeros((4, 5, 3), np.uint8)
    with pytest.raises(ArrayError, match="same shape and dtype"):
        interpolate_one(first, other)
    with pytest.raises(ArrayError, match="same shape and dtype"):
        ENGINE.estimate_flow(first, other)


@pytest.mark.parametrize(("kernel", "most"), [("bilinear", 6), ("cubic", 8)])
def test_alpha_bands_sample_only_the_rows_they_need(
    monkeypatch: pytest.MonkeyPatch, kernel: Kernel, most: int
) -> None:
    heights = []
    original = sampling_module.premultiply_alpha
    monkeypatch.setattr(
        sampling_module, "premultiply_alpha", lambda p: heights.append(len(p)) or original(p)
    )
    first, second = (np.dstack([scene(t), scene(t)[..., :1]]) for t in (0, 1))
    found, _ = build_candidates(
        *build_views(
            *(p[..., :3].astype(np.float32) for p in (first, second)),
            *np.zeros((2, 128, 176, 2), np.float32),
        ),
        0.5,
    )
    box = slice(60, 64), slice(0, 176)
    warp_pair(first, second, MotionSource(found, kernel), 0.5, box)
    assert max(heights) <= most
