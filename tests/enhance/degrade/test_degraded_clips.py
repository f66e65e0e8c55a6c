"""Degraded clips: any start, lost and frozen frames, times, alpha, and what is refused."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from degraded_pictures import RATE, draw_scene, make_clip, sample
from hypothesis import given
from hypothesis import strategies as st

from kinoloom.base.clip import Clip, Color, Frame
from kinoloom.enhance.degrade.clips import degrade_clip
from kinoloom.enhance.degrade.recipe import Recipe, VideoStage, apply_recipe
from kinoloom.enhance.degrade.sampling.presets import PRESETS
from kinoloom.enhance.degrade.steps.noise import GaussianNoise
from kinoloom.errors import UnsupportedMediaError


def assert_same(found: list[Frame], expected: list[Frame]) -> None:
    assert [(f.time, f.duration) for f in found] == [(f.time, f.duration) for f in expected]
    for first, second in zip(found, expected, strict=True):
        np.testing.assert_array_equal(first.image, second.image)


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_degrades_a_one_second_clip(preset: str) -> None:
    clip = make_clip()
    recipe = sample(preset, moving=True)
    result = degrade_clip(clip, recipe)
    frames = list(result)
    assert recipe.video is not None
    assert len(frames) == 24 // recipe.video.rate_divisor
    assert result.rate == RATE / recipe.video.rate_divisor
    assert frames[-1].time + frames[-1].duration == 1
    assert {f.image.shape for f in frames} == {(result.height, result.width, 3)}
    assert (result.height, result.width) == (72 // recipe.scale, 96 // recipe.scale)
    assert {f.image.dtype.name for f in frames} == {"uint8"}
    assert result.made_with["degradation"] == recipe.to_dict()
    assert_same(list(degrade_clip(clip, recipe)), frames)


@pytest.mark.parametrize("codec", ["h264", "h265", "av1", "mpeg4"])
def test_reading_from_the_middle_equals_the_whole(codec: str) -> None:
    video = VideoStage(codec, None, 0.05, rate_divisor=2, freeze=0.3)  # type: ignore[arg-type]
    recipe = Recipe("test", 2, 11, (GaussianNoise(8.0),), video)
    result = degrade_clip(make_clip(count=110, height=48, width=64), recipe)
    whole = list(result)
    for start in (Fraction(1, 100), Fraction(1), Fraction(49, 24), Fraction(2), Fraction(17, 4)):
        expected = [f for f in whole if f.time >= start or f.time + f.duration > start]
        assert 0 < len(expected) < len(whole) or start < Fraction(1, 12)
        assert_same(list(result.read(start)), expected)
    assert list(result.read(Fraction(5))) == []


@given(
    st.lists(st.integers(1, 90), min_size=1, max_size=25), st.integers(2, 4), st.integers(0, 1500)
)
def test_a_lower_rate_keeps_the_duration_of_variable_rates(
    lengths_ms: list[int], divisor: int, start_ms: int
) -> None:
    frames, time = list[Frame](), Fraction(1, 7)
    for k, length_ms in enumerate(lengths_ms):
        image = np.full((4, 4, 3), k, np.uint8)
        frames.append(Frame(image, time, Fraction(length_ms, 1000)))
        time += frames[-1].duration
    clip = Clip.from_frames(frames)
    video = VideoStage("mpeg4", 2, None, rate_divisor=divisor, freeze=0.0)
    result = degrade_clip(clip, Recipe("test", 1, 0, (), video))
    found = list(result)
    assert result.rate is None
    assert found[0].time == frames[0].time
    assert found[-1].time + found[-1].duration == time
    assert all(a.time + a.duration == b.time for a, b in pairwise(found))
    kept = {f.time for f in frames}
    assert all(f.time in kept for f in found)
    start = Fraction(start_ms, 1000)
    assert_same(
        list(result.read(start)),
        [f for f in found if f.time >= start or f.time + f.duration > start],
    )


def test_half_the_frames_are_exactly_every_second_one() -> None:
    video = VideoStage("mpeg4", 2, None, rate_divisor=2, freeze=0.0)
    rate = Fraction(30000, 1001)
    frames = [Frame(draw_scene(16, 16, k), Fraction(k) / rate, 1 / rate) for k in range(40)]
    clip = Clip.from_frames(frames, rate=rate)
    found = list(degrade_clip(clip, Recipe("test", 1, 0, (), video)))
    assert [f.time for f in found] == [f.time for f in frames[::2]]
    assert {f.duration for f in found} == {2 / rate}


def test_frozen_frames_repeat_the_one_before() -> None:
    def count_repeats(freeze: float) -> int:
        video = VideoStage("mpeg4", 2, None, rate_divisor=1, freeze=freeze)
        recipe = Recipe("test", 1, 5, (GaussianNoise(20.0),), video)
        images = [f.image.astype(int) for f in degrade_clip(make_clip(count=48), recipe)]
        return sum(bool(np.abs(a - b).mean() < 1) for a, b in pairwise(images))

    assert count_repeats(0.0) == 0
    assert 12 <= count_repeats(0.5) <= 36


def test_noise_differs_between_frames_of_equal_pictures() -> None:
    frames = [Frame(draw_scene(), Fraction(k) / RATE, 1 / RATE) for k in range(3)]
    recipe = Recipe("test", 1, 5, (GaussianNoise(20.0),))
    first, second, _ = (f.image for f in degrade_clip(Clip.from_frames(frames), recipe))
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(first, apply_recipe(draw_scene(), recipe, 0))


def test_the_codec_keeps_alpha_and_deep_pictures_become_8_bit() -> None:
    images = [draw_scene(32, 32, k).astype(np.uint16) * 257 for k in range(5)]
    alpha = np.full((32, 32, 1), 65535, np.uint16)
    alpha[:16] = 0
    frames = [
        Frame(np.concatenate([image, alpha], axis=2), Fraction(k) / RATE, 1 / RATE)
        for k, image in enumerate(images)
    ]
    video = VideoStage("h264", 20, None, rate_divisor=1, freeze=0.0)
    result = degrade_clip(Clip.from_frames(frames, rate=RATE), Recipe("test", 2, 0, (), video))
    assert result.bits == 8
    for frame in result:
        np.testing.assert_array_equal(frame.image[:8, :, 3], 0)
        np.testing.assert_array_equal(frame.image[8:, :, 3], 255)


def test_hdr_is_refused() -> None:
    clip = make_clip(2).with_(color=Color(9, 16, 9))
    with pytest.raises(UnsupportedMediaError, match="HDR; degradations are defined for SDR"):
        degrade_clip(clip, sample("light", moving=True))
