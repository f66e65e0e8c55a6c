"""Source intervals of a video: continuity, notes, and identical results after seeking."""

from collections.abc import Sequence
from fractions import Fraction

import pytest
from photo_scenes import SIZE, Picture, noisy, pan
from scenes import panning

from kinoloom import Frame
from kinoloom.base import Notes
from kinoloom.film.video.intervals import SourceInterval, split_intervals
from kinoloom.motion.cuts import FrameThumbnail

RATE = 25
PREROLL = 16
"""Frames that are read before a seek position (`film.video.interpolation`)."""


def frames(pictures: Sequence[Picture]) -> list[Frame]:
    return [Frame(p, Fraction(k, RATE), Fraction(1, RATE)) for k, p in enumerate(pictures)]


def summarise(found: Sequence[SourceInterval]) -> list[tuple[int, int | None, bool]]:
    """Return (first frame, second frame, is_continuous) by frame index."""
    return [
        (
            int(item.first.time * RATE),
            None if item.second is None else int(item.second.time * RATE),
            item.is_continuous,
        )
        for item in found
    ]


def test_interval_across_a_cut_is_not_continuous() -> None:
    film = frames([*pan("astronaut", 3), *pan("coffee", 2)])
    notes = Notes()
    found = list(split_intervals(film, dedup=False, notes=notes))
    assert summarise(found) == [
        (0, 1, True),
        (1, 2, True),
        (2, 3, False),
        (3, 4, True),
        (4, None, False),
    ]
    assert [(note.kind, note.message, note.time) for note in notes] == [
        ("cut", "scene cut at 0.12 s", Fraction(3, RATE))
    ]


def test_cut_detection_sees_the_neighbouring_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[int | None]] = []

    def never(*thumbnails: FrameThumbnail | None) -> bool:
        asked.append([None if item is None else int(item.frame.time * RATE) for item in thumbnails])
        return False

    monkeypatch.setattr("kinoloom.film.video.intervals.is_cut", never)
    list(split_intervals(frames(panning(4)), dedup=False, notes=Notes()))
    assert asked == [[None, 0, 1, 2], [0, 1, 2, 3], [1, 2, 3, None]]


def test_intervals_are_contiguous_and_the_last_ends_with_its_frame() -> None:
    first, last = frames(panning(2))
    last = Frame(last.image, Fraction(1), Fraction(1, 3))
    found = list(split_intervals([first, last], dedup=False, notes=Notes()))
    assert [interval.end for interval in found] == [1, Fraction(4, 3)]


def test_single_frame_is_one_open_interval() -> None:
    found = list(split_intervals(frames(panning(1)), dedup=True, notes=Notes()))
    assert summarise(found) == [(0, None, False)]


@pytest.mark.parametrize("dedup", [False, True])
def test_no_frames_give_no_intervals(dedup: bool) -> None:
    assert list(split_intervals([], dedup=dedup, notes=Notes())) == []


def test_repeats_are_dropped_with_dedup() -> None:
    film = frames([p for p in panning(3, 4.0, size=SIZE) for _ in range(2)])
    whole = list(split_intervals(film, dedup=False, notes=Notes()))
    assert summarise(whole) == [(k, k + 1, True) for k in range(5)] + [(5, None, False)]
    short = list(split_intervals(film, dedup=True, notes=Notes()))
    assert summarise(short) == [(0, 2, True), (2, 4, True), (4, 5, True), (5, None, False)]


def test_intervals_are_lazy_with_a_lookahead_of_two_frames() -> None:
    seen = []

    def read() -> object:
        for frame in frames(panning(10)):
            seen.append(frame.time)
            yield frame

    found = split_intervals(read(), dedup=False, notes=Notes())
    next(found)
    assert len(seen) == 3
    next(found)
    assert len(seen) == 4


def build_mixed_film() -> list[Frame]:
    """Build 62 frames: motion, a cut, animation on twos and threes, a still, a cut, motion."""
    twos = [p for p in pan("coffee", 5, 4.0) for _ in range(2)]
    threes = [p for p in pan("coffee", 4, -5.0) for _ in range(3)]
    still = pan("rocket", 1) * 20
    shown = [*pan("astronaut", 10), *twos, *threes, *still, *pan("astronaut", 10)]
    return frames([noisy(picture, k) for k, picture in enumerate(shown)])


@pytest.mark.parametrize("dedup", [False, True])
def test_seeking_gives_the_same_intervals(dedup: bool) -> None:
    film = build_mixed_film()
    whole = summarise(list(split_intervals(film, dedup=dedup, notes=Notes())))
    assert sum(not is_continuous for *_, is_continuous in whole) >= 3
    for start in range(PREROLL, len(film), 11):
        part = summarise(list(split_intervals(film[start - PREROLL :], dedup=dedup, notes=Notes())))
        after = [item for item in whole if item[1] is None or item[1] > start]
        assert part[-len(after) :] == after
