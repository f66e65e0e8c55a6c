"""The engine `fast`: it moves things, at any size and kind, within its memory."""

import numpy as np
import pytest
from scenes import texture, view

from kinoloom.errors import ArrayError, BudgetError
from kinoloom.film.engine import EngineOptions, Interpolator
from kinoloom.film.engines import fast as fast_module
from kinoloom.film.engines.blend import BLEND
from kinoloom.film.engines.fast import FAST
from kinoloom.film.engines.plain import DIS
from kinoloom.film.synthesis import mix as mix_module
from kinoloom.film.synthesis.candidates import guesses, views
from kinoloom.film.synthesis.mix import mixed_rows
from kinoloom.metrics import psnr, ssim

ROOMY = EngineOptions(1 << 30)
ENGINE = FAST.make(ROOMY)


def one(
    first: np.ndarray, second: np.ndarray, time: float = 0.5, engine: Interpolator = ENGINE
) -> np.ndarray:
    (made,) = engine.between(first, second, [time])
    return made


def scene(time: float) -> np.ndarray:
    """A camera that pans over a texture while a square of another one crosses it."""
    picture = view(texture(1), 40 + 8 * time, 30, (176, 128))
    left, top = round(20 + 10 * time), 40
    picture[top : top + 40, left : left + 40] = texture(2)[100:140, 100:140]
    return picture


@pytest.mark.parametrize("time", [0.5, 0.25, 0.75])
def test_things_are_where_they_belong_at_the_time(time: float) -> None:
    first, truth, second = scene(0), scene(time), scene(1)
    made = one(first, second, time)
    assert psnr(made, truth) > 30
    for baseline in (DIS, BLEND):
        rival = one(first, second, time, baseline.make(ROOMY))
        assert psnr(made, truth) > psnr(rival, truth) + 0.5
        assert ssim(made, truth) > ssim(rival, truth)


def test_a_camera_shift_of_30_percent_with_a_thing_that_moves() -> None:
    def photo(time: float) -> np.ndarray:
        picture = view(texture(5, 800, 400), 40 + 120 * time, 30, (400, 240))
        left = round(200 - 90 * time)
        picture[100:124, left : left + 24] = texture(6)[50:74, 50:74]
        return picture

    seen_in_both = np.s_[:, 140:-140]
    made = one(photo(0), photo(1))[seen_in_both]
    assert psnr(made, photo(0.5)[seen_in_both]) > 24
    forward, backward = ENGINE.flows(photo(0), photo(1))
    assert np.median(np.abs(forward[seen_in_both] - [-120, 0])) < 0.5
    assert np.median(np.abs(backward[seen_in_both] - [120, 0])) < 0.5


def test_what_one_picture_alone_shows_is_taken_from_it() -> None:
    """The left edge of a pan to the right is only in the first picture, the right in the last."""
    picture = texture(5, 800, 400)
    first, truth, second = (view(picture, 40 + 40 * t, 30, (240, 160)) for t in (0, 0.5, 1))
    made = one(first, second)
    plain = one(first, second, engine=DIS.make(ROOMY))
    for edge in (np.s_[:, 2:26], np.s_[:, -26:-2]):
        assert psnr(made[edge], truth[edge]) > psnr(plain[edge], truth[edge]) + 6


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("size", [(1, 1), (1, 45), (37, 2), (41, 67)])
def test_every_size_and_kind_is_kept(size: tuple[int, int], dtype: str, channels: int) -> None:
    rng = np.random.default_rng(0)
    top = 1 if dtype == "float32" else np.iinfo(dtype).max
    first, second = (rng.random((2, *size, channels)) * top).astype(dtype)
    for made in ENGINE.between(first, second, [0.2, 0.5]):
        assert made.shape == first.shape
        assert made.dtype == first.dtype
        assert made.min() >= 0
        assert made.max() <= top
    forward, backward = ENGINE.flows(first, second)
    assert forward.shape == backward.shape == (*size, 2)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_equal_pictures_give_themselves(dtype: str) -> None:
    picture = scene(0).astype(dtype) / (1 if dtype != "float32" else np.float32(255))
    picture = picture.astype(dtype)
    for made in ENGINE.between(picture, picture.copy(), [0.25, 0.5]):
        np.testing.assert_array_equal(made, picture)
        assert not np.shares_memory(made, picture)


def test_what_does_not_move_stays_as_it_is() -> None:
    first, second = scene(0), scene(0)
    first[40:60, 20:40], second[40:60, 30:50] = 255, 255
    made = one(first, second)
    assert np.abs(made[90:].astype(int) - first[90:]).max() <= 1


def test_kinds_of_picture_agree() -> None:
    first, second = scene(0), scene(1)
    bytes_ = one(first, second).astype(float)
    words = one(first.astype(np.uint16) * 257, second.astype(np.uint16) * 257) / 257
    floats = one(first / np.float32(255), second / np.float32(255)) * 255
    assert np.abs(words - bytes_).max() < 3
    assert np.abs(floats - bytes_).max() < 3


def test_an_opaque_picture_is_as_without_alpha() -> None:
    first, second = scene(0), scene(1)
    opaque1, opaque2 = (
        np.dstack([p, np.full(p.shape[:2], 255, np.uint8)]) for p in (first, second)
    )
    made = one(opaque1, opaque2)
    assert (made[..., 3] == 255).all()
    assert np.abs(made[..., :3].astype(int) - one(first, second)).max() <= 1


def test_alpha_moves_along_and_hidden_colours_do_not_bleed_in() -> None:
    def sprite(left: int) -> np.ndarray:
        picture = np.full((96, 128, 4), (255, 0, 0, 0), np.uint8)  # red where transparent
        picture[30:70, left : left + 40] = (0, 90, 200, 255)
        return picture

    made = one(sprite(20), sprite(40))
    seen = made[..., 3] > 0
    assert made[seen, 0].max() <= 1
    wanted = sprite(30)[..., 3] > 127
    assert ((made[..., 3] > 127) == wanted).mean() > 0.99


def test_several_times_are_as_one_by_one_from_one_analysis(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    found = fast_module.dense_flow
    monkeypatch.setattr(fast_module, "dense_flow", lambda *given: calls.append(1) or found(*given))
    first, second = scene(0), scene(1)
    times = [0.75, 0.25, 0.5]
    together = list(ENGINE.between(first, second, times))
    assert len(calls) == 2
    for time, made in zip(times, together, strict=True):
        np.testing.assert_array_equal(made, one(first, second, time))


def test_time_may_run_backwards() -> None:
    first, second = scene(0), scene(1)
    there, back = one(first, second, 0.25), one(second, first, 0.75)
    assert psnr(there, back) > 40


def test_a_band_is_exactly_those_rows_of_the_whole() -> None:
    rng = np.random.default_rng(0)
    first, second = rng.integers(0, 256, (2, 61, 75, 3), np.uint8)
    small = [p[::3, ::2].astype(np.float32) for p in (first, second)]
    flows = rng.normal(0, 4, (2, *small[0].shape[:2], 2)).astype(np.float32)
    found = guesses(*views(*small, *flows), 0.4)
    whole = mixed_rows(first, second, found, 0.4, 0, 61)
    parts = [mixed_rows(first, second, found, 0.4, r, min(r + 7, 61)) for r in range(0, 61, 7)]
    np.testing.assert_array_equal(np.concatenate(parts), whole)


def test_the_weights_of_a_pixel_sum_to_1() -> None:
    rng = np.random.default_rng(0)
    small = rng.uniform(0, 255, (2, 20, 30, 3)).astype(np.float32)
    flows = rng.normal(0, 9, (2, 20, 30, 2)).astype(np.float32)
    found = guesses(*views(*small, *flows), 0.3)
    total = sum(guess.weights.sum(axis=2) for guess in found)
    np.testing.assert_allclose(total, 1, rtol=1e-5)


def test_views_into_arrays_and_locked_ones_are_taken() -> None:
    first, second = scene(0), scene(1)
    mirrored = one(first[:, ::-1], second[:, ::-1])
    np.testing.assert_array_equal(mirrored, one(first[:, ::-1].copy(), second[:, ::-1].copy()))
    first.flags.writeable = second.flags.writeable = False
    assert one(first, second).shape == first.shape


@pytest.mark.parametrize(("flow_scale", "memory"), [(0.5, 1 << 30), (1.0, 47_000_000)])
def test_a_coarser_flow_still_moves_things(flow_scale: float, memory: int) -> None:
    first, truth, second = (np.repeat(np.repeat(scene(t), 4, 0), 4, 1) for t in (0, 0.5, 1))
    engine = FAST.make(EngineOptions(memory, flow_scale))
    _, columns = engine._grid(first)
    assert columns < first.shape[1] // 2
    made = one(first, second, engine=engine)
    assert psnr(made, truth) > psnr(one(first, second, engine=BLEND.make(ROOMY)), truth) + 2


def test_a_budget_too_small_is_refused() -> None:
    pictures = scene(0), scene(1)
    engine = FAST.make(EngineOptions(1_000_000))
    with pytest.raises(BudgetError, match=r"176x128 .* 1.00 MB") as caught:
        next(engine.between(*pictures, [0.5]))
    assert "--memory" in caught.value.hint
    with pytest.raises(BudgetError):
        engine.flows(*pictures)


def test_a_picture_beyond_the_limit_is_refused() -> None:
    wide = np.zeros((1, 32767, 3), np.uint8)
    with pytest.raises(ArrayError, match="32766"):
        one(wide, wide + np.uint8(1))


@pytest.mark.parametrize("other", [np.zeros((4, 6, 3), np.uint8), np.zeros((4, 5, 3), np.uint16)])
def test_pictures_that_differ_in_kind_are_refused(other: np.ndarray) -> None:
    first = np.zeros((4, 5, 3), np.uint8)
    with pytest.raises(ArrayError, match="one shape and dtype"):
        one(first, other)
    with pytest.raises(ArrayError, match="one shape and dtype"):
        ENGINE.flows(first, other)


def test_alpha_bands_sample_only_the_rows_they_need(monkeypatch: pytest.MonkeyPatch) -> None:
    heights = []
    premultiplied = mix_module.premultiplied
    monkeypatch.setattr(
        mix_module, "premultiplied", lambda p: heights.append(len(p)) or premultiplied(p)
    )
    first, second = (np.dstack([scene(t), scene(t)[..., :1]]) for t in (0, 1))
    found = guesses(
        *views(
            *(p[..., :3].astype(np.float32) for p in (first, second)),
            *np.zeros((2, 128, 176, 2), np.float32),
        ),
        0.5,
    )
    mixed_rows(first, second, found, 0.5, 60, 64)
    assert max(heights) <= 6
