"""`enhance` on videos: times, sound, order of steps, seeking, alpha, bits, HDR, presets."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from films import HDR, film, look, sound
from scenes import clip_of, panning

import kinoloom
from kinoloom.base.clip import Clip
from kinoloom.enhance.ops import enhance
from kinoloom.enhance.planning.presets import list_presets
from kinoloom.enhance.tiers import list_denoisers
from kinoloom.errors import (
    BudgetError,
    UnreadableMediaError,
    UnsupportedMediaError,
    UsageError,
)

F = Fraction
UNEVEN = [F(0), F(1, 25), F(3, 25), F(4, 25), F(8, 25), F(9, 25)]
LIVE = {"scale": 2, "tier": "live"}


def images(clip: Clip) -> list[np.ndarray]:
    return [frame.image for frame in clip]


def test_times_of_a_variable_rate_are_kept(tmp_path: Path) -> None:
    kinoloom.write(film(times=UNEVEN), tmp_path / "in.mkv", codec="ffv1")
    source = kinoloom.read(tmp_path / "in.mkv")
    result = enhance(source, **LIVE)
    assert [frame.time for frame in result] == UNEVEN[:-1]
    kinoloom.write(result, tmp_path / "out.mkv")
    seen = look(tmp_path / "out.mkv")
    assert [round(float(time), 3) for time in seen.times] == [float(t) for t in UNEVEN[:-1]]
    assert (seen.size, seen.numbers) == ((128, 96), [0, 1, 2, 3, 4])


def test_rate_start_aspect_sound_and_origin_are_kept() -> None:
    rate = F(24000, 1001)
    track = sound(0.5)
    source = film(6, rate, start=F(2), audio=(track,), pixel_aspect=F(4, 3), origin=Path("in.mkv"))
    result = enhance(source, **LIVE)
    assert (result.rate, result.pixel_aspect, result.origin) == (rate, F(4, 3), Path("in.mkv"))
    assert result.audio == (track,)
    assert (result.frame_count, result.duration) == (source.frame_count, source.duration)
    assert [frame.time for frame in result] == [2 + k / rate for k in range(6)]


def test_each_frame_is_that_of_its_source() -> None:
    source = film(5)
    result = enhance(source, **LIVE)
    for before, after in zip(source, result, strict=True):
        small = after.image.reshape(48, 2, 64, 2, 3).mean((1, 3))
        assert np.abs(small - before.image).mean() < 4


@pytest.mark.parametrize(
    "options",
    [
        {"sharpen": True, "grain": True, "scale": 1.5, "tier": "live"},
        {**LIVE, "times": 2},
        {"chroma": True, "deband": True},
    ],
    ids=str,
)
def test_reading_from_the_middle_equals_the_whole(options: dict[str, object]) -> None:
    source = clip_of(panning(8), F(10))
    result = enhance(source, **options)
    whole = list(result)
    for start in (F(1, 10), F(35, 100), F(7, 10)):
        part = list(enhance(source, **options).read(start))
        expected = [frame for frame in whole if frame.time >= part[0].time]
        assert part[0].time <= start + F(1, 10)
        assert [frame.time for frame in part] == [frame.time for frame in expected]
        for one, other in zip(part, expected, strict=True):
            np.testing.assert_array_equal(one.image, other.image)


def test_grain_differs_between_frames() -> None:
    rng = np.random.default_rng(1)
    still = np.clip(rng.normal(128, 12, (80, 96, 3)), 0, 255).astype(np.uint8)
    one, other = images(enhance(clip_of([still, still], F(10)), grain=True))
    assert np.abs(one.astype(int) - other).mean() > 1


def test_alpha_is_enlarged_with_the_picture() -> None:
    result = enhance(film(2, alpha=0.5), **LIVE)
    for frame in result:
        assert frame.image.shape == (96, 128, 4)
        assert np.abs(frame.image[:, :60, 3].astype(int) - 128).max() <= 1
        assert (frame.image[:, 70:, 3] == 255).all()


def test_10_bits_stay_10_bits(tmp_path: Path) -> None:
    y, x = np.mgrid[:48, :64]
    ramp = (20_000 + 64 * x + 64 * y).astype(np.uint16)
    source = clip_of([np.stack([ramp] * 3, 2)] * 3, F(25), bits=10)  # type: ignore[list-item]
    result = enhance(source, **LIVE, sharpen=True)
    picture = images(result)[0]
    assert (result.bits, picture.dtype) == (10, np.uint16)
    assert len(np.unique(picture)) > 300
    kinoloom.write(result, tmp_path / "out.mkv", codec="h265")
    assert "10" in look(tmp_path / "out.mkv").pix_fmt


@pytest.mark.parametrize(
    "options", [LIVE, {"scale": 0.5}, {"size": "32x24"}, {"sharpen": True}], ids=str
)
def test_hdr_is_rejected_where_pictures_change(options: dict[str, object]) -> None:
    with pytest.raises(UnsupportedMediaError, match="The video is HDR") as caught:
        enhance(film(3, bits=10, color=HDR), **options)
    assert "Convert it to SDR" in caught.value.hint
    assert caught.value.exit_code == 4


def test_hdr_is_kept_where_frames_are_only_added() -> None:
    result = enhance(film(3, bits=10, color=HDR), times=2)
    assert result.color == HDR
    assert len(list(result)) == 6


class TestInterpolation:
    @pytest.mark.parametrize(
        "order", ["auto", "clean,upscale,interpolate", "interpolate,clean,upscale"]
    )
    def test_frames_are_added_before_or_after_enlarging(self, order: str) -> None:
        result = enhance(clip_of(panning(4), F(10)), **LIVE, times=2, order=order)
        frames = list(result)
        assert [frame.time for frame in frames] == [F(k, 20) for k in range(8)]
        assert {frame.image.shape for frame in frames} == {(128, 192, 3)}

    def test_orders_give_similar_frames(self) -> None:
        source = clip_of(panning(4), F(10))
        results = [
            images(enhance(source, **LIVE, times=2, order=order))
            for order in ("clean,upscale,interpolate", "clean,interpolate,upscale")
        ]
        for one, other in zip(*results, strict=True):
            assert np.abs(one.astype(int) - other).mean() < 6
        assert any(not np.array_equal(*pair) for pair in zip(*results, strict=True))

    def test_cleaning_after_enlarging_is_another_result(self) -> None:
        source = clip_of(panning(2), F(10))
        first, last = (
            images(enhance(source, **LIVE, curves="r=0/0 0.5/0.7 1/1", order=order))
            for order in ("clean,upscale,interpolate", "upscale,clean,interpolate")
        )
        assert first[0].shape == last[0].shape
        assert not np.array_equal(first[0], last[0])

    def test_the_choice_of_the_order_is_noted(self) -> None:
        clip = clip_of(panning(3), F(10))
        result = enhance(clip, **LIVE, fps=20)
        (note,) = [note for note in result.notes if note.kind == "order"]
        assert "per megapixel" in note.message
        assert result.rate == 20

    def test_slow_motion_lasts_longer(self) -> None:
        source = clip_of(panning(4), F(10))
        result = enhance(source, **LIVE, slow=2)
        assert result.duration == 2 * (source.duration or 0)
        assert result.time_scale == 2

    def test_repeated_frames_are_replaced(self) -> None:
        pictures = panning(4, step=4)
        source = clip_of([one for one in pictures for _ in range(2)], F(20))
        frames = images(enhance(source, dedup=True))
        assert len(frames) == 8
        assert not np.array_equal(frames[2], frames[3])


def test_strength_0_and_nothing_to_do_change_nothing() -> None:
    source = film(3)
    for options in ({"strength": 0, "sharpen": True}, {"denoise": "off"}, {"scale": 1}):
        for before, after in zip(source, enhance(source, **options), strict=True):
            np.testing.assert_array_equal(before.image, after.image)


@pytest.mark.parametrize("name", [one.name for one in list_presets()])
def test_each_preset_on_one_second(name: str, tmp_path: Path) -> None:
    source = replace(clip_of(panning(10, size=(46, 34)), F(10)), audio=(sound(1.0),))
    kinoloom.write(source, tmp_path / "in.mp4")
    without = "" if list_denoisers() else "denoise"
    result = enhance(kinoloom.read(tmp_path / "in.mp4"), preset=name, without=without)
    kinoloom.write(result, tmp_path / "out.mp4")
    out = kinoloom.read(tmp_path / "out.mp4")
    scale = 2 if name in ("anime", "live", "meeting", "screen") else 1
    assert (out.width, out.height) == (46 * scale, 34 * scale)
    assert len(list(out)) == (30 if name == "meeting" else 10)
    assert abs(out.duration - 1) <= F(1, 20)
    assert len(out.audio) == 1


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"metadata": "drop"}, UsageError, "--metadata applies to photos"),
        ({"scale": 64, "size": "5x5"}, UsageError, "exclude each other"),
        ({"size": "40000x20"}, UsageError, "each side must be from 1 to 32766"),
        ({"scale": 2, "tier": "live", "look": "real"}, UsageError, "no network with the look"),
        ({"scale": 2, "order": "clean"}, UsageError, "--order must be auto"),
        ({"scale": 2, "tier": "live", "memory": 5000}, BudgetError, "memory"),
        ({"denoise": "loud"}, UsageError, "--denoise must be"),
    ],
)
def test_wrong_options_are_rejected(
    options: dict[str, object], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        enhance(film(2), **options)


def test_a_video_without_frames_is_rejected() -> None:
    empty = replace(film(1), read=lambda start: iter(()), frame_count=0)
    with pytest.raises(UnreadableMediaError, match="The video has no frames"):
        enhance(empty, scale=2)
