"""A video as intervals: which are woven, what is noted, and the same from wherever one reads."""

from collections.abc import Sequence
from fractions import Fraction

import pytest
from photo_scenes import SIZE, Picture, noisy, pan
from scenes import panning

from kinoloom import Frame
from kinoloom.base import Notes
from kinoloom.film.video.intervals import Interval, intervals
from kinoloom.motion.cuts import Look

RATE = 25
RUN_UP = 16
"""Frames that a reading in mid-clip begins earlier (`film.video.film`)."""


def frames(pictures: Sequence[Picture]) -> list[Frame]:
    return [Frame(p, Fraction(k, RATE), Fraction(1, RATE)) for k, p in enumerate(pictures)]


def told(found: Sequence[Interval]) -> list[tuple[int, int | None, bool]]:
    """(first frame, second frame, woven) by index."""
    return [
        (
            int(item.first.time * RATE),
            None if item.second is None else int(item.second.time * RATE),
            item.woven,
        )
        for item in found
    ]


def test_a_cut_is_between_intervals_that_are_woven() -> None:
    film = frames([*pan("astronaut", 3), *pan("coffee", 2)])
    notes = Notes()
    found = list(intervals(film, dedup=False, notes=notes))
    assert told(found) == [
        (0, 1, True),
        (1, 2, True),
        (2, 3, False),
        (3, 4, True),
        (4, None, False),
    ]
    assert [(note.kind, note.message, note.time) for note in notes] == [
        ("cut", "scene cut at 0.12 s", Fraction(3, RATE))
    ]


def test_a_cut_is_told_from_the_frames_around_it(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[int | None]] = []

    def never(*looks: Look | None) -> bool:
        asked.append([None if item is None else int(item.frame.time * RATE) for item in looks])
        return False

    monkeypatch.setattr("kinoloom.film.video.intervals.is_cut", never)
    list(intervals(frames(panning(4)), dedup=False, notes=Notes()))
    assert asked == [[None, 0, 1, 2], [0, 1, 2, 3], [1, 2, 3, None]]


def test_an_interval_ends_where_the_next_begins_and_the_last_with_its_frame() -> None:
    first, last = frames(panning(2))
    last = Frame(last.image, Fraction(1), Fraction(1, 3))
    found = list(intervals([first, last], dedup=False, notes=Notes()))
    assert [interval.end for interval in found] == [1, Fraction(4, 3)]


def test_one_frame_is_one_open_interval() -> None:
    found = list(intervals(frames(panning(1)), dedup=True, notes=Notes()))
    assert told(found) == [(0, None, False)]


@pytest.mark.parametrize("dedup", [False, True])
def test_no_frames_have_no_intervals(dedup: bool) -> None:
    assert list(intervals([], dedup=dedup, notes=Notes())) == []


def test_repeats_are_left_out_only_when_asked() -> None:
    film = frames([p for p in panning(3, 4.0, size=SIZE) for _ in range(2)])
    whole = list(intervals(film, dedup=False, notes=Notes()))
    assert told(whole) == [(k, k + 1, True) for k in range(5)] + [(5, None, False)]
    short = list(intervals(film, dedup=True, notes=Notes()))
    assert told(short) == [(0, 2, True), (2, 4, True), (4, 5, True), (5, None, False)]


def test_intervals_come_while_frames_are_read_and_two_ahead_at_most() -> None:
    seen = []

    def read() -> object:
        for frame in frames(panning(10)):
            seen.append(frame.time)
            yield frame

    found = intervals(read(), dedup=False, notes=Notes())
    next(found)
    assert len(seen) == 3
    next(found)
    assert len(seen) == 4


def film_with_everything() -> list[Frame]:
    """Motion, a cut, pictures on twos and threes, a still, a cut, motion: 62 frames."""
    twos = [p for p in pan("coffee", 5, 4.0) for _ in range(2)]
    threes = [p for p in pan("coffee", 4, -5.0) for _ in range(3)]
    still = pan("rocket", 1) * 20
    shown = [*pan("astronaut", 10), *twos, *threes, *still, *pan("astronaut", 10)]
    return frames([noisy(picture, k) for k, picture in enumerate(shown)])


@pytest.mark.parametrize("dedup", [False, True])
def test_reading_from_the_middle_decides_as_from_the_beginning(dedup: bool) -> None:
    film = film_with_everything()
    whole = told(list(intervals(film, dedup=dedup, notes=Notes())))
    assert sum(not woven for *_, woven in whole) >= 3
    for start in range(RUN_UP, len(film), 11):
        part = told(list(intervals(film[start - RUN_UP :], dedup=dedup, notes=Notes())))
        after = [item for item in whole if item[1] is None or item[1] > start]
        assert part[-len(after) :] == after
