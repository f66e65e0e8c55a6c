"""Triplets of videos: no cuts or stills within, exact times and strides, deterministic."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from footage import RATE, draw_pan, write_video

from kinoloom.base.clip import Clip
from kinoloom.errors import InputNotFoundError, UnreadableMediaError, UsageError
from kinoloom.learn.data.scanning import read_scans, scan
from kinoloom.learn.data.videos import VideoSource, open_videos
from kinoloom.media.files import read

FIRST_SCENE, SECOND_SCENE, STILL, AFTER_STILL = 14, 12, 10, 12


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One video: a pan, then a cut to another pan, which stops for a while and then resumes."""
    place = tmp_path_factory.mktemp("footage")
    second = [5 * k for k in range(SECOND_SCENE)]
    still = [second[-1]] * STILL
    more = [second[-1] + 5 * (k + 1) for k in range(AFTER_STILL)]
    write_video(
        place / "walk.mp4",
        draw_pan(1, [6 * k for k in range(FIRST_SCENE)]) + draw_pan(2, second + still + more),
    )
    return place


@pytest.fixture(scope="module")
def source(folder: Path) -> VideoSource:
    return open_videos(folder)


def test_cuts_and_stills_split_a_video_into_runs(folder: Path) -> None:
    found = scan(read(folder / "walk.mp4"))
    numbers = [[int(time * RATE) for time in run] for run in found.runs]
    begin = FIRST_SCENE + SECOND_SCENE + STILL
    assert numbers == [
        list(range(FIRST_SCENE)),
        list(range(FIRST_SCENE, FIRST_SCENE + SECOND_SCENE)),
        list(range(begin, begin + AFTER_STILL)),
    ]
    assert (found.frames, found.repeats, found.cuts) == (
        FIRST_SCENE + SECOND_SCENE + STILL + AFTER_STILL,
        STILL,
        1,
    )


def test_repeated_frames_are_dropped_from_their_run(tmp_path: Path) -> None:
    steps = [0, 6, 12, 12, 18, 24, 30, 30, 36, 42]
    found = scan(read(write_video(tmp_path / "a.mp4", draw_pan(3, steps))))
    numbers = [[int(time * RATE) for time in run] for run in found.runs]
    assert numbers == [[0, 1, 2, 4, 5, 6, 8, 9]]


def parse_times(origin: str) -> tuple[Fraction, Fraction]:
    first, last = origin.rpartition(" at ")[2].removesuffix(" s").split(" to ")
    return Fraction(first), Fraction(last)


def test_triplets_are_within_a_run_at_all_strides(source: VideoSource) -> None:
    frames = {frame.time: frame.image for frame in read(source.runs[0].path)}
    strides, begins = set(), set()
    for index in range(60):
        triplet = source.draw(index, 0)
        first, last = parse_times(triplet.origin)
        run = next(run.times for run in source.runs if first in run.times)
        assert last in run
        stride = (run.index(last) - run.index(first)) // 2
        expected_times = (first, run[run.index(first) + stride], last)
        for image, time in zip(triplet.frames, expected_times, strict=True):
            assert np.array_equal(image, frames[time])
        assert triplet.time == 0.5
        strides.add(stride)
        begins.add(first)
    assert strides == {1, 2, 3, 4, 5, 6}
    assert len(begins) > 15


def test_any_time_draws_any_frame_between(folder: Path) -> None:
    source = VideoSource(open_videos(folder).runs, strides=(2, 3), any_time=1.0)
    times = {source.draw(index, 0).time for index in range(90)}
    assert times == {1 / 4, 2 / 4, 3 / 4, 1 / 6, 2 / 6, 4 / 6, 5 / 6}


def test_samples_are_equal_in_another_process_and_order(source: VideoSource) -> None:
    again = pickle.loads(pickle.dumps(source))  # noqa: S301  our own bytes
    for index in (5, 2, 9):
        one, other = source.draw(index, 7), again.draw(index, 7)
        assert one.origin == other.origin
        assert all(np.array_equal(a, b) for a, b in zip(one.frames, other.frames, strict=True))
    assert source.draw(2, 7).origin != source.draw(2, 8).origin


def test_scans_are_cached_in_the_index(folder: Path, tmp_path: Path) -> None:
    index = tmp_path / "index.json"
    first = open_videos(folder, index=index)
    (key,) = read_scans(index)
    text = index.read_text().replace('"0"', '"1/25"', 1)
    index.write_text(text)
    again = open_videos(folder, index=index)
    assert again.runs[0].times[0] == Fraction(1, 25) != first.runs[0].times[0]
    assert "walk.mp4" in key
    assert again.runs[1:] == first.runs[1:]


@pytest.mark.parametrize("text", ["", "{}", '{"schema": "other", "videos": {}}', "[1"])
def test_invalid_index_is_written_again(folder: Path, tmp_path: Path, text: str) -> None:
    index = tmp_path / "index.json"
    index.write_text(text)
    assert len(open_videos(folder, index=index).runs) == 3
    assert len(read_scans(index)) == 1


def test_changed_video_is_scanned_again(tmp_path: Path) -> None:
    index = tmp_path / "index.json"
    write_video(tmp_path / "a.mp4", draw_pan(3, range(0, 60, 6)))
    assert [len(run.times) for run in open_videos(tmp_path, index=index).runs] == [10]
    (tmp_path / "a.mp4").unlink()
    write_video(tmp_path / "a.mp4", draw_pan(3, range(0, 36, 6)))
    assert [len(run.times) for run in open_videos(tmp_path, index=index).runs] == [6]


def test_video_that_changes_during_training_is_rejected(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", draw_pan(3, range(0, 60, 6)))
    source = open_videos(tmp_path)
    path.unlink()
    write_video(path, draw_pan(3, range(0, 18, 6)))
    with pytest.raises(UnreadableMediaError, match=r"a\.mp4 has changed"):
        for index in range(20):
            source.draw(index, 0)


def test_large_frames_are_scaled_down(folder: Path) -> None:
    source = VideoSource(open_videos(folder).runs, longest_px=64)
    assert {frame.shape for frame in source.draw(0, 0).frames} == {(48, 64, 3)}


def test_split_holds_out_the_end_of_each_run(tmp_path: Path) -> None:
    write_video(tmp_path / "a.mp4", draw_pan(3, range(0, 240, 4)))
    train, held = open_videos(tmp_path).split(0.2)
    (kept,), (end,) = train.runs, held.runs
    assert end.times == tuple(k / RATE for k in range(48, 60))
    assert kept.times == tuple(k / RATE for k in range(32))
    with pytest.raises(UsageError, match="too short to hold out"):
        open_videos(tmp_path).split(0.02)


def test_unusable_videos_are_skipped_and_reported(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "good.mp4").write_bytes((folder / "walk.mp4").read_bytes())
    (tmp_path / "broken.mp4").write_bytes(b"no video")
    write_video(tmp_path / "small.mp4", draw_pan(1, range(5), width=48, height=32))
    write_video(tmp_path / "still.mp4", draw_pan(1, [3] * 8))
    seen: list[tuple[str, int, int]] = []
    source = open_videos(
        tmp_path, min_px=64, progress=lambda name, done, total: seen.append((name, done, total))
    )
    assert {run.path.name for run in source.runs} == {"good.mp4"}
    broken, small, still = source.skipped
    assert "broken.mp4 cannot be read" in broken
    assert "small.mp4 has 48x32 pixels, fewer than 64x64" in small
    assert "still.mp4 has no run of three frames" in still
    assert [done for _, done, _ in seen] == [1, 2, 3, 4]
    assert seen[-1][2] == 4


@pytest.mark.parametrize("where", ["absent", "empty"])
def test_folder_without_videos_is_rejected(tmp_path: Path, where: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputNotFoundError, match=where):
        open_videos(tmp_path / where)


def test_folder_of_unusable_videos_is_rejected_with_a_reason(tmp_path: Path) -> None:
    (tmp_path / "broken.mp4").write_bytes(b"no video")
    with pytest.raises(UnreadableMediaError, match=r"None of the 1 videos .*broken\.mp4"):
        open_videos(tmp_path)


@pytest.mark.parametrize("strides", [(0, 3), (4, 3)])
def test_decreasing_strides_are_rejected(source: VideoSource, strides: tuple[int, int]) -> None:
    with pytest.raises(UsageError, match="strides"):
        VideoSource(source.runs, strides=strides)


def test_damage_from_mid_stream_decoding_falls_back_to_the_start(
    source: VideoSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A decode that notes damage is discarded, and the video is decoded from its start."""
    path = source.runs[0].path
    good = source.draw(3, 0)
    damaged_source = VideoSource(source.runs)
    clip = read(path)
    whole: Callable[[Fraction], object] = clip.read

    def read_damaged(start: Fraction) -> object:
        if start:
            clip.notes.add("damage", "parts are missing", "error")
            return (blacken(frame) for frame in whole(start))  # type: ignore[attr-defined]
        return whole(start)

    damaged_source._clips[path] = clip.with_(read=read_damaged)
    assert isinstance(damaged_source._clips[path], Clip)
    again = damaged_source.draw(3, 0)
    assert parse_times(good.origin)[0] > 0
    assert all(np.array_equal(a, b) for a, b in zip(good.frames, again.frames, strict=True))


def blacken(frame: object) -> object:
    from dataclasses import replace

    return replace(frame, image=np.zeros_like(frame.image))  # type: ignore[type-var,attr-defined]
