"""Exact times from stored ticks: detection of rates, snapping to the grid, variable rates."""

from __future__ import annotations

from fractions import Fraction
from math import floor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from make import make, read_number

from kinoloom.media.video.reading import open_video
from kinoloom.media.video.times import Clock, constant_rate

MS = Fraction(1, 1000)
FILM = Fraction(24000, 1001)
RATES = [
    FILM,
    Fraction(24),
    Fraction(25),
    Fraction(30000, 1001),
    Fraction(30),
    Fraction(60000, 1001),
]
RATES += [Fraction(12), Fraction(120), Fraction(240), Fraction(15, 2)]


def make_ticks(
    rate: Fraction, tick: Fraction, frames: int = 60, begin: Fraction = Fraction(0)
) -> list[int]:
    """Return the ticks of frames at a constant rate, rounded as in Matroska."""
    return [floor((begin + k / rate) / tick + Fraction(1, 2)) for k in range(frames)]


@pytest.mark.parametrize("tick", [MS, Fraction(1, 90000), Fraction(1, 12800)])
@pytest.mark.parametrize("rate", RATES)
def test_declared_rate_is_used_if_it_fits(rate: Fraction, tick: Fraction) -> None:
    assert constant_rate(make_ticks(rate, tick), tick, [rate]) == rate


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        (Fraction(2997, 125), FILM),  # "23.976"
        (Fraction(983, 41), FILM),  # by a few frames of FLV
        (None, FILM),
        (Fraction(48000, 1001), FILM),  # the field rate
    ],
)
def test_inexact_declared_rate_is_corrected(declared: Fraction | None, expected: Fraction) -> None:
    assert constant_rate(make_ticks(FILM, MS, 200), MS, [None, declared]) == expected


def test_decimal_rate_is_kept_for_exact_times() -> None:
    """2997/100 frames per second in a time base of 1/2997, not 30000/1001."""
    tick = Fraction(1, 2997)
    times = [100 * k for k in range(100)]
    assert constant_rate(times, tick, [Fraction(2997, 100)]) == Fraction(2997, 100)


def test_order_and_repeats_do_not_matter() -> None:
    times = make_ticks(Fraction(25), MS)
    assert constant_rate([*times[::-1], times[3]], MS, [Fraction(25)]) == 25


@pytest.mark.parametrize(
    "times",
    [
        [0, 40, 100, 120, 300, 400, 410],
        [0, 33, 67, 100, 150, 183, 217, 290, 330],
        [40 * k for k in range(30)] + [1200 + 20 * k for k in range(30)],
        [40 * k for k in range(0, 60, 2)] + [2400 + 40 * k for k in range(30)],
        [40 * k + 3 * (k % 2) for k in range(60)],
    ],
)
def test_variable_rate_is_none(times: list[int]) -> None:
    declared = [Fraction(25), Fraction(50), Fraction(1000)]
    assert constant_rate(times, MS, declared) is None


def test_few_missing_frames_leave_a_rate_constant() -> None:
    times = [40 * k for k in range(60) if k not in (7, 30)]
    assert constant_rate(times, MS, [Fraction(25)]) == 25
    assert constant_rate([40 * k for k in range(60) if k % 5], MS, [Fraction(25)]) is None


@pytest.mark.parametrize("times", [[], [0]])
def test_single_frame_has_the_declared_rate(times: list[int]) -> None:
    assert constant_rate(times, MS, [None, Fraction(25)]) == 25
    assert constant_rate(times, MS, [None]) is None


def test_coarse_ticks_do_not_prove_a_rate() -> None:
    assert constant_rate([0, 1, 2, 3], Fraction(1), [Fraction(3, 2)]) is None


@given(
    rate=st.sampled_from(RATES),
    begin=st.integers(0, 10**7),
    count=st.integers(20, 200),
    numbers=st.lists(st.integers(0, 10**7), min_size=1, max_size=5),
)
def test_coarse_ticks_give_exact_times_without_drift(
    rate: Fraction, begin: int, count: int, numbers: list[int]
) -> None:
    """In a film of any length, times are multiples of 1 / rate after the first."""
    times = make_ticks(rate, MS, count, begin * MS)
    assert constant_rate(times, MS, [rate]) == rate
    clock = Clock(tick=MS, zero=begin * MS, first=times[0], rate=rate)
    for number in numbers:
        ticks = floor((begin * MS + number / rate) / MS + Fraction(1, 2))
        assert clock.time(ticks) == number / rate
        assert clock.ticks(clock.time(ticks)) >= ticks


def test_late_start_is_kept() -> None:
    clock = Clock(tick=Fraction(1, 90000), zero=Fraction(126000, 90000), first=127920, rate=FILM)
    assert clock.begin == Fraction(1920, 90000)
    assert clock.time(127920 + 3754) == Fraction(1920, 90000) + 1 / FILM


def test_start_snaps_to_the_frame_grid() -> None:
    assert Clock(tick=MS, zero=Fraction(0), first=83, rate=FILM).begin == 2 / FILM


def test_frame_off_the_grid_keeps_its_time() -> None:
    clock = Clock(tick=MS, zero=Fraction(0), first=0, rate=Fraction(25))
    assert [clock.time(t) for t in (40, 41, 55)] == [Fraction(1, 25), Fraction(1, 25), 55 * MS]


def test_variable_rate_keeps_all_times() -> None:
    clock = Clock(tick=MS, zero=5 * MS, first=5, rate=None)
    assert [clock.time(t) for t in (5, 46, 1005)] == [0, 41 * MS, 1]
    assert clock.snap(41 * MS) == 41 * MS


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("suffix", [".mkv", ".mp4", ".ts"])
def test_film_shown_for_three_and_two_fields_gets_even_times(
    tmp_path: Path, suffix: str, first: int
) -> None:
    """As on DVDs: its frames are stored once, and repeat fields when they are shown."""
    fields = [0]
    for number in range(24):
        fields.append(fields[-1] + (3, 2)[(number + first) % 2])
    film, field = Fraction(24000, 1001), Fraction(1001, 60000)
    path = tmp_path / f"a{suffix}"
    clip = open_video(make(path, frames=24, ticks=fields, time_base=field, rate=film))
    assert clip.rate == film
    frames = list(clip)
    assert [frame.time for frame in frames] == [frames[0].time + k / film for k in range(24)]
    for place in (5, 6, 23):
        assert read_number(next(clip.read(frames[place].time)).image) == place


def test_other_uneven_times_are_kept(tmp_path: Path) -> None:
    fields = [0, 3, 5, 8, 10, 12, 14, 17, 19, 22, 24, 26, 29]
    field = Fraction(1001, 60000)
    clip = open_video(make(tmp_path / "a.mp4", frames=12, ticks=fields, time_base=field))
    assert clip.rate is None
    assert [frame.time * 60000 / 1001 for frame in clip] == fields[:-1]
