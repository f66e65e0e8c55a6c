"""Interlaced and telecined video becomes progressive frames, checked frame by frame."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from field_films import (
    BOTTOM_FIRST,
    NTSC,
    TOP_FIRST,
    encode,
    find_combed,
    interlace,
    moment,
    moments,
    numbers,
    shift_fields,
    telecine,
    times,
)

import kinoloom
from kinoloom.media.video.reading import Deinterlace, open_video


def notes_of(clip: Any) -> list[str]:
    return [note.message for note in clip.notes if note.kind == "interlaced"]


@pytest.mark.parametrize("top_first", [True, False])
@pytest.mark.parametrize("marks", [TOP_FIRST, BOTTOM_FIRST, {}])
def test_each_field_becomes_a_frame(
    tmp_path: Path, marks: dict[str, str], *, top_first: bool
) -> None:
    """Whatever the stream says about its fields."""
    path = encode(tmp_path / "a.mp4", interlace(moments(60), top_first=top_first), options=marks)
    clip = open_video(path)
    assert numbers(clip) == list(range(60))
    assert times(clip, NTSC) == [Fraction(k, 2) for k in range(60)]
    assert {frame.duration for frame in clip} == {1 / (2 * NTSC)}
    assert clip.rate == 2 * NTSC
    assert clip.duration == 30 / NTSC
    assert find_combed(clip) == []
    (text,) = notes_of(clip)
    assert f"{'top' if top_first else 'bottom'} field first" in text
    assert ("although" in text) == (not marks)
    assert not any(frame.native.interlaced_frame for frame in clip)


def test_interlaced_mpeg2_and_pal(tmp_path: Path) -> None:
    options = {"flags": "+ildct+ilme", "q": "2"}
    path = encode(tmp_path / "a.mpg", interlace(moments(40)), Fraction(25), "mpeg2video", options)
    clip = open_video(path)
    assert clip.rate == 50
    assert numbers(clip) == list(range(40))
    assert find_combed(clip) == []


@pytest.mark.parametrize("phase", range(5))
def test_film_frames_are_restored(tmp_path: Path, phase: int) -> None:
    """At each place of the cadence, every film frame once, evenly spaced."""
    video = telecine(moments(48))[phase : phase + 55]
    clip = open_video(encode(tmp_path / "a.mp4", video, options=TOP_FIRST))
    shown = numbers(clip)
    assert shown == list(range(shown[0], shown[0] + len(shown)))
    assert shown[0] <= 3
    assert times(clip, NTSC)[-40:] == [5 + Fraction(5 * k, 4) for k in range(40)]
    assert len(shown) in (44, 45)  # the repeat of the first film frame may be cut off
    assert clip.rate == Fraction(24000, 1001)
    assert find_combed(clip) == []
    assert "telecined film" in notes_of(clip)[0]


@pytest.mark.parametrize(("cut", "phase"), [(20, 3), (21, 4), (22, 1), (23, 2), (24, 0)])
def test_cadence_may_break_at_a_cut(tmp_path: Path, cut: int, phase: int) -> None:
    """Frames of each side appear once; one that a cut left half is interpolated."""
    video = telecine(moments(40))[:cut] + telecine(moments(48, 100, scene=1))[9 + phase :]
    clip = open_video(encode(tmp_path / "a.mp4", video[: len(video) // 5 * 5], options=TOP_FIRST))
    shown = numbers(clip)
    before, after = [n for n in shown if n < 100], [n for n in shown if n >= 100]
    assert shown == before + after
    assert before == list(range(before[0], before[-1] + 1))
    assert after == list(range(after[0], after[-1] + 1))
    assert find_combed(clip) == []
    assert clip.duration == sum(frame.duration for frame in clip)


def test_parts_of_different_kinds_are_converted_each(tmp_path: Path) -> None:
    video = (
        moments(22)
        + interlace(moments(46, 50, scene=1))
        + telecine(moments(20, 120, scene=2))
        + moments(20, 160, scene=3)
    )
    clip = open_video(encode(tmp_path / "a.mp4", video))
    assert clip.rate == 2 * NTSC
    assert "interlaced and progressive and telecined parts" in notes_of(clip)[0]
    assert find_combed(clip) == []
    shown, at = numbers(clip), times(clip, NTSC)
    assert all(a < b for a, b in pairwise(at))
    fields = [(n, time) for n, time in zip(shown, at, strict=True) if 50 <= n < 96]
    assert sorted({n for n, _ in fields}) == list(range(50, 96))
    assert all(time == 22 + Fraction(n - 50, 2) for n, time in fields[4:-4])
    assert [n for n in shown if 120 <= n < 140] == list(range(120, 140))


def test_shifted_fields_are_joined_again(tmp_path: Path) -> None:
    path = encode(tmp_path / "a.mp4", shift_fields(moments(31)), Fraction(25))
    clip = open_video(path)
    assert clip.rate == 25
    assert numbers(clip)[1:] == list(range(1, 30))
    assert find_combed(clip) == []
    assert "shifted fields" in notes_of(clip)[0]


def test_wrong_marks_leave_progressive_frames_alone(tmp_path: Path) -> None:
    path = encode(tmp_path / "a.mp4", moments(30), options=TOP_FIRST)
    clip, plain = open_video(path), open_video(path, deinterlace="off")
    assert clip.rate == NTSC
    assert notes_of(clip) == ["a.mp4 is marked as interlaced, but its frames are progressive."]
    for ours, decoded in zip(clip, plain, strict=True):
        assert ours.time == decoded.time
        assert np.array_equal(ours.image, decoded.image)


def flicker(number: int) -> Any:
    return np.full((96, 160, 3), 60 + 120 * (number % 7 == 3), np.uint8)


def noise(number: int) -> Any:
    return np.random.default_rng(number).integers(0, 256, (96, 160, 3)).astype(np.uint8)


def stripes(number: int) -> Any:
    """Rows of one pixel, as in test charts, beside something that moves."""
    image = moment(number)
    image[:, :60] = np.where(np.arange(96)[:, None, None] % 2, 220, 30)
    return image


def change_scene(number: int) -> Any:
    return moment(number, scene=number // 4)


@pytest.mark.parametrize("draw", [moment, flicker, noise, stripes, change_scene])
def test_progressive_video_is_read_as_it_is(tmp_path: Path, draw: Any) -> None:
    path = encode(tmp_path / "a.mp4", [draw(number) for number in range(30)])
    clip = open_video(path)
    assert notes_of(clip) == []
    assert clip.frame_count == 30
    assert len(list(clip)) == 30


@pytest.mark.parametrize(("deinterlace", "count"), [("off", 20), ("on", 40)])
def test_deinterlacing_can_be_forced_or_switched_off(
    tmp_path: Path, deinterlace: Deinterlace, count: int
) -> None:
    """Also where the pictures do not show it."""
    path = encode(tmp_path / "a.mp4", moments(20))
    clip = kinoloom.read(path, deinterlace=deinterlace)
    assert len(list(clip)) == count
    combed = kinoloom.read(encode(tmp_path / "b.mp4", interlace(moments(40))), deinterlace="off")
    assert len(list(combed)) == 20
    assert len(find_combed(combed)) > 15


def mixed() -> list[Any]:
    return telecine(moments(36))[:43] + interlace(moments(40, 60)) + moments(25, 110)


@pytest.mark.parametrize(
    "frames", [interlace(moments(120)), telecine(moments(64)), mixed()],
    ids=["interlaced", "telecined", "mixed"],
)  # fmt: skip
def test_reading_from_any_time_gives_the_same_frames(tmp_path: Path, frames: list[Any]) -> None:
    clip = open_video(encode(tmp_path / "a.mp4", frames, options={"g": "12"}))
    whole = list(clip)
    for place in (1, 17, 40, 41, 55, len(whole) - 1):
        rest = list(clip.read(whole[place].time))
        assert [frame.time for frame in rest] == [frame.time for frame in whole[place:]]
        for ours, expected in zip(rest, whole[place:], strict=True):
            assert np.array_equal(ours.image, expected.image)


def test_film_of_an_interlaced_video(tmp_path: Path) -> None:
    """The command's default: twice the frames, each shown for half a field."""
    source = encode(tmp_path / "a.mp4", interlace(moments(30)), options=TOP_FIRST)
    film = kinoloom.interpolate(source, engine="fast")
    kinoloom.write(film, tmp_path / "b.mp4")
    made = open_video(tmp_path / "b.mp4")
    assert made.rate == 4 * NTSC
    assert times(made, NTSC) == [Fraction(k, 4) for k in range(60)]
    assert numbers(made)[::2] == list(range(30))
    assert notes_of(made) == []


def test_option_is_part_of_the_record(tmp_path: Path) -> None:
    """A run with other frames must not resume."""
    source = encode(tmp_path / "a.mp4", interlace(moments(20)))
    keys = {
        kinoloom.interpolate(source, engine="fast", deinterlace=mode).provenance.key
        for mode in ("auto", "on", "off")
    }
    assert len(keys) == 3
