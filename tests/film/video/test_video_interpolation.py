"""Interpolated videos: exact frame counts, source frames, audio sync, cuts, repeats, seeking."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from scenes import blink_times, blinking_video, click_times, clip_of, panning, texture, view

import kinoloom
from kinoloom.errors import UsageError

NTSC = Fraction(30000, 1001)


def images(clip: kinoloom.Clip) -> list[np.ndarray]:
    return [frame.image for frame in clip]


def test_29_97_with_sound_to_59_94_stays_in_sync(tmp_path: Path) -> None:
    seconds = 20
    source = blinking_video(tmp_path / "in.mp4", NTSC, seconds)
    film = kinoloom.interpolate(source, fps="60000/1001", engine="fast")
    summary = kinoloom.write(film, tmp_path / "out.mp4")
    out = kinoloom.read(tmp_path / "out.mp4")
    assert out.rate == Fraction(60000, 1001)
    assert summary["frames"] == 2 * int(seconds * NTSC)
    before, after = kinoloom.read(source), out
    assert abs(after.duration - before.duration) <= 1 / (2 * out.rate)
    offsets = [
        np.array(blink_times(clip)) - np.array(click_times(clip.audio[0]))
        for clip in (before, after)
    ]
    assert len(offsets[1]) == seconds
    half_frame = 0.5 * float(1 / out.rate)
    assert np.abs(offsets[1] - offsets[0]).max() <= half_frame, "sound and picture drift apart"


@pytest.mark.parametrize(
    ("rate", "fps"),
    [
        (Fraction(24000, 1001), Fraction(60)),
        (Fraction(24000, 1001), Fraction(60000, 1001)),
        (Fraction(25), Fraction(24)),
        (Fraction(30), Fraction(120)),
        (Fraction(15), Fraction(7)),
    ],
)
def test_duration_is_exact_to_half_a_frame(rate: Fraction, fps: Fraction) -> None:
    clip = clip_of(panning(17), rate)
    film = kinoloom.interpolate(clip, fps=fps, engine="fast")
    frames = list(film)
    assert abs(len(frames) / fps - clip.duration) <= 1 / (2 * fps)
    assert [f.time for f in frames] == [k / fps for k in range(len(frames))]
    assert len(frames) == film.frame_count


def test_source_frames_on_output_times_are_bit_identical(tmp_path: Path) -> None:
    kinoloom.write(clip_of(panning(9), Fraction(24)), tmp_path / "in.mkv", codec="ffv1")
    source = kinoloom.read(tmp_path / "in.mkv")
    film = kinoloom.interpolate(source, times=4, engine="fast")
    kinoloom.write(film, tmp_path / "out.mkv", codec="ffv1")
    out = list(kinoloom.read(tmp_path / "out.mkv"))
    assert len(out) == 36
    for before, after in zip(source, out[::4], strict=True):
        assert before.time == after.time
        planes = [
            [np.frombuffer(plane, np.uint8) for plane in frame.native.planes]
            for frame in (before, after)
        ]
        for one, other in zip(*planes, strict=True):
            assert np.array_equal(one, other)


def test_new_frames_follow_the_motion() -> None:
    picture = texture(3)
    source = [view(picture, 10 + 6.0 * k) for k in range(4)]
    film = images(kinoloom.interpolate(clip_of(source, Fraction(10)), times=2, engine="fast"))
    for k in range(3):
        truth = view(picture, 13 + 6.0 * k).astype(float)
        interpolated = np.abs(film[2 * k + 1] - truth)[8:-8, 12:-12].mean()
        faded = np.abs((source[k] / 2.0 + source[k + 1] / 2.0) - truth)[8:-8, 12:-12].mean()
        assert interpolated < faded / 3


def test_scene_cuts_are_not_interpolated() -> None:
    before, after = panning(6, seed=1), panning(6, seed=2)
    clip = clip_of([*before, *after], Fraction(10))
    film = kinoloom.interpolate(clip, times=4, engine="fast")
    frames = images(film)
    assert film.notes.count("cut") == 1
    for k in range(20, 24):
        assert np.array_equal(frames[k], before[5])
    assert np.array_equal(frames[24], after[0])


def test_given_cuts_replace_the_detected_ones() -> None:
    before, after = panning(6, seed=1), panning(6, seed=2)
    clip = clip_of([*before, *after], Fraction(10))
    film = kinoloom.interpolate(clip, times=2, engine="fast", cuts="0.25, 0.9")
    frames = images(film)
    assert [note.time for note in film.notes if note.kind == "cut"] == [
        Fraction(3, 10),
        Fraction(9, 10),
    ]
    assert np.array_equal(frames[5], before[2])
    assert not np.array_equal(frames[11], before[5])  # a detected cut that was removed


def test_an_empty_list_of_cuts_means_none() -> None:
    clip = clip_of([*panning(4, seed=1), *panning(4, seed=2)], Fraction(10))
    film = kinoloom.interpolate(clip, times=2, engine="fast", cuts="")
    assert len(images(film)) == 16
    assert film.notes.count("cut") == 0


@pytest.mark.parametrize(("text", "message"), [("1,soon", "soon"), ("-1", "from 0 s on")])
def test_cuts_that_are_not_times_are_rejected(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        kinoloom.interpolate(clip_of(panning(3), Fraction(10)), engine="fast", cuts=text)


def test_dedup_replaces_repeats_by_interpolated_frames() -> None:
    moving = panning(8, step=3.0)
    on_twos = [picture for picture in moving for _ in range(2)]
    clip = clip_of(on_twos, Fraction(20))
    kept = images(kinoloom.interpolate(clip, fps=20, engine="fast"))
    deduplicated = images(kinoloom.interpolate(clip, fps=20, engine="fast", dedup=True))
    assert len(kept) == len(deduplicated) == 16
    assert np.array_equal(kept[3], moving[1])
    truth = panning(15, step=1.5)[3]
    assert np.abs(deduplicated[3][8:-8, 12:-12] - truth[8:-8, 12:-12].astype(float)).mean() < 4
    for k in range(8):
        assert np.array_equal(deduplicated[2 * k], moving[k])


def test_dedup_keeps_stills() -> None:
    still = [panning(1)[0]] * 12
    clip = clip_of([*still, *panning(4, seed=5)], Fraction(10))
    film = images(kinoloom.interpolate(clip, fps=10, engine="fast", dedup=True))
    assert all(np.array_equal(image, still[0]) for image in film[:12])


@pytest.mark.parametrize(
    "options", [{"times": 3}, {"slow": 4}, {"fps": 37}, {"fps": 20, "dedup": True}]
)
def test_seeking_gives_the_same_frames(options: dict[str, object]) -> None:
    on_twos = [p for p in panning(20, step=3.0) for _ in range(2)]
    clip = clip_of([*on_twos, *panning(30, seed=9)], Fraction(20))
    film = kinoloom.interpolate(clip, engine="fast", **options)
    whole = list(film)
    for begin in (1, 7, len(whole) // 2, len(whole) - 1):
        part = list(film.read(whole[begin].time))
        assert [f.time for f in part] == [f.time for f in whole[begin:]]
        for one, other in zip(part, whole[begin:], strict=True):
            assert np.array_equal(one.image, other.image)


def test_slow_motion_stretches_the_sound(tmp_path: Path) -> None:
    source = blinking_video(tmp_path / "in.mp4", Fraction(25), 4)
    film = kinoloom.interpolate(source, slow=2, engine="fast")
    kinoloom.write(film, tmp_path / "out.mp4")
    out = kinoloom.read(tmp_path / "out.mp4")
    assert out.rate == 25
    assert abs(out.duration - 8) <= Fraction(1, 50)
    lights, sounds = blink_times(out), click_times(out.audio[0])
    assert len(lights) == len(sounds) == 4
    assert np.abs(np.array(lights) - np.array(sounds)).max() < 0.06


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"fps": 60, "times": 2}, "--fps and --times"),
        ({"slow": 2, "sound": "keep"}, "--sound keep"),
        ({"seconds": 3}, "--seconds applies to photos"),
        ({"loop": True}, "--loop applies to photos"),
        ({"times": 0}, "--times must be from 1"),
        ({"fps": -1}, "above 0"),
        ({"engine": "fats"}, "fast"),
    ],
)
def test_invalid_options_are_rejected(options: dict[str, object], match: str) -> None:
    clip = clip_of(panning(3), Fraction(10))
    with pytest.raises((UsageError, LookupError), match=match):
        kinoloom.interpolate(clip, **options)


def test_sound_can_be_dropped(tmp_path: Path) -> None:
    source = blinking_video(tmp_path / "in.mp4", Fraction(25), 1)
    assert kinoloom.interpolate(source, sound="drop").audio == ()


def test_variable_rate_source_keeps_its_times() -> None:
    times = [Fraction(0), Fraction(1, 10), Fraction(1, 4), Fraction(1, 2)]
    ends = [*times[1:], Fraction(3, 5)]
    frames = [kinoloom.Frame(p, t, e - t) for p, t, e in zip(panning(4), times, ends, strict=True)]
    film = list(kinoloom.interpolate(kinoloom.Clip.from_frames(frames), times=2, engine="fast"))
    assert [f.time for f in film[::2]] == times
    assert film[1].time == Fraction(1, 20)
    assert film[-1].time + film[-1].duration == Fraction(3, 5)
