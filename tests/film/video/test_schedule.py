"""The schedule of a retimed video: exact counts, times and positions for any length."""

from fractions import Fraction
from itertools import pairwise
from math import floor
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kinoloom import Clip, Frame
from kinoloom.errors import UsageError
from kinoloom.film.video.intervals import SourceInterval
from kinoloom.film.video.schedule import OutputFrame, Schedule, plan_schedule

F = Fraction
ZERO = F(0)
NTSC = F(30000, 1001)
IMAGE = np.zeros((1, 1, 3), np.uint8)
RATES = [F(24000, 1001), F(24), F(25), NTSC, F(50), F(60000, 1001), F(60), F(7, 3)]


def source(durations: list[Fraction], origin: Fraction = ZERO) -> list[SourceInterval]:
    """Return the intervals of a video with these frame durations."""
    frames, time = [], origin
    for duration in durations:
        frames.append(Frame(IMAGE, time, duration))
        time += duration
    return [
        SourceInterval(first, second, is_continuous=second is not None)
        for first, second in zip(frames, [*frames[1:], None], strict=True)
    ]


def steady(count: int, rate: Fraction, origin: Fraction = ZERO) -> list[SourceInterval]:
    return source([1 / rate] * count, origin)


def shown(
    schedule: Schedule, intervals: list[SourceInterval], start: Fraction = ZERO
) -> list[tuple[OutputFrame, Fraction]]:
    """Return each output frame and the source time that it shows."""
    return [
        (slot, interval.first.time + slot.position * (interval.end - interval.first.time))
        for interval, slots in schedule.assign_frames(intervals, start)
        for slot in slots
    ]


def half_up(value: Fraction) -> int:
    return floor(value + F(1, 2))


def test_an_hour_of_ntsc_at_twice_its_rate_does_not_drift() -> None:
    schedule = Schedule(F(0), F(1), 2 * NTSC, 1)
    last = SourceInterval(Frame(IMAGE, F(107891) / NTSC, 1 / NTSC), None, is_continuous=False)
    hour = F(107892) / NTSC
    assert schedule.count_frames(hour) == 2 * 107892
    slots = list(schedule.schedule_interval(last))
    assert [slot.time for slot in slots] == [hour - 2 / (2 * NTSC), hour - 1 / (2 * NTSC)]
    assert [slot.position for slot in slots] == [0, F(1, 2)]


@given(
    count=st.integers(1, 15),
    source_rate=st.sampled_from(RATES),
    rate=st.sampled_from(RATES),
    slow=st.sampled_from([F(1), F(2), F(8), F(5, 2)]),
    origin=st.sampled_from([F(0), F(1, 3), F(1001, 30000)]),
)
@example(count=6, source_rate=F(60), rate=F(7, 3), slow=F(1), origin=F(0))
@example(count=1, source_rate=F(60), rate=F(7, 3), slow=F(1), origin=F(1, 3))
def test_output_duration_is_exact_to_half_a_frame(
    count: int, source_rate: Fraction, rate: Fraction, slow: Fraction, origin: Fraction
) -> None:
    schedule = Schedule(origin, slow, rate, 1)
    result = shown(schedule, steady(count, source_rate, origin))
    duration = count / source_rate
    assert len(result) == schedule.count_frames(duration) == max(1, half_up(duration * slow * rate))
    for k, (slot, time) in enumerate(result):
        assert slot.time == slow * origin + k / rate
        assert slot.duration == 1 / rate
        assert 0 <= slot.position < 1
        assert time == origin + k / (rate * slow)
    length = result[-1][0].time + result[-1][0].duration - result[0][0].time
    assert abs(length - duration * slow) <= 1 / rate / 2 or len(result) == 1


@given(
    durations=st.lists(
        st.fractions(F(1, 120), F(1, 5), max_denominator=1000), min_size=1, max_size=10
    ),
    rate=st.sampled_from(RATES),
)
def test_variable_rate_source_gets_a_constant_rate(
    durations: list[Fraction], rate: Fraction
) -> None:
    result = shown(Schedule(F(0), F(1), rate, 1), source(durations))
    assert len(result) == max(1, half_up(sum(durations, F(0)) * rate))
    assert [time for _, time in result] == [k / rate for k in range(len(result))]


@given(
    durations=st.lists(
        st.fractions(F(1, 120), F(1, 5), max_denominator=1000), min_size=1, max_size=8
    ),
    slow=st.sampled_from([F(1), F(3), F(5, 2)]),
    parts=st.integers(1, 5),
)
def test_without_a_rate_each_interval_is_divided(
    durations: list[Fraction], slow: Fraction, parts: int
) -> None:
    schedule = Schedule(F(1, 7), slow, None, parts)
    intervals = source(durations, F(1, 7))
    result = [slot for slot, _ in shown(schedule, intervals)]
    assert len(result) == parts * len(durations)
    assert schedule.count_frames(sum(durations, F(0))) is None
    for slot, following in pairwise(result):
        assert slot.time + slot.duration == following.time
    assert result[-1].time + result[-1].duration == slow * intervals[-1].end
    on_frames = [slot.time for slot in result if not slot.position]
    assert on_frames == [slow * interval.first.time for interval in intervals]


@pytest.mark.parametrize("times", [1, 2, 3, 4])
@pytest.mark.parametrize("source_rate", [F(24000, 1001), F(25)])
def test_source_frames_on_output_times_are_met_exactly(times: int, source_rate: Fraction) -> None:
    result = shown(Schedule(F(1, 3), F(1), source_rate * times, 1), steady(9, source_rate, F(1, 3)))
    assert [slot.position for slot, _ in result] == [F(k % times, times) for k in range(9 * times)]


@given(
    data=st.data(),
    rate=st.sampled_from([None, *RATES]),
    slow=st.sampled_from([F(1), F(2), F(5, 2)]),
)
def test_seeking_gives_the_same_frames(data: Any, rate: Fraction | None, slow: Fraction) -> None:
    schedule = Schedule(F(1, 3), slow, rate, 3)
    intervals = steady(6, F(25), F(1, 3))
    whole = shown(schedule, intervals)
    k = data.draw(st.integers(0, len(whole) - 1))
    start = whole[k][0].time
    assert shown(schedule, intervals, start) == whole[k:]
    seen_from = max(j for j, i in enumerate(intervals) if i.first.time * slow <= start)
    assert shown(schedule, intervals[seen_from:], start) == whole[k:]


def test_intervals_without_output_frames_are_skipped() -> None:
    pairs = list(Schedule(F(0), F(1), F(10), 1).assign_frames(steady(9, F(30))))
    assert [interval.first.time for interval, _ in pairs] == [0, F(1, 10), F(2, 10)]


@pytest.mark.parametrize(
    ("last_s", "count"), [(F(1, 100), 1), (F(4, 100), 1), (F(5, 100), 2), (F(9, 100), 2)]
)
def test_last_frame_shorter_than_half_a_step_is_dropped(last_s: Fraction, count: int) -> None:
    """At 10 fps the second frame starts at 0.1 s, and the source ends `last_s` later."""
    schedule = Schedule(F(0), F(1), F(10), 1)
    result = shown(schedule, source([F(1, 10) - F(1, 100), F(1, 100), last_s]))
    assert len(result) == count == schedule.count_frames(F(1, 10) + last_s)


def test_single_frame_without_a_duration_appears_once() -> None:
    assert len(shown(Schedule(F(2), F(1), F(25), 1), source([F(0)], F(2)))) == 1
    assert len(shown(Schedule(F(2), F(1), None, 4), source([F(0)], F(2)))) == 1


def clip(rate: Fraction | None) -> Clip:
    return Clip(lambda start: iter(()), 2, 2, rate=rate)


@pytest.mark.parametrize(
    ("rate", "options", "expected"),
    [
        (NTSC, {}, (F(1), 2 * NTSC, 2)),
        (NTSC, {"fps": F(60000, 1001)}, (F(1), F(60000, 1001), 2)),
        (NTSC, {"times": 4}, (F(1), 4 * NTSC, 4)),
        (NTSC, {"slow": F(8)}, (F(8), NTSC, 8)),
        (NTSC, {"slow": F(8), "times": 2}, (F(8), 2 * NTSC, 16)),
        (NTSC, {"slow": F(2), "fps": F(60)}, (F(2), F(60), 2)),
        (None, {}, (F(1), None, 2)),
        (None, {"times": 3}, (F(1), None, 3)),
        (None, {"slow": F(5, 2)}, (F(5, 2), None, 3)),
        (None, {"fps": F(60)}, (F(1), F(60), 2)),
    ],
)
def test_options_become_a_schedule(
    rate: Fraction | None, options: dict[str, Any], expected: tuple[Any, ...]
) -> None:
    nothing: dict[str, Any] = {"fps": None, "times": None, "slow": None}
    result = plan_schedule(clip(rate), F(1, 3), **(nothing | options))
    assert (result.slow, result.rate, result.parts) == expected
    assert result.origin == F(1, 3)


def test_rate_and_multiple_are_mutually_exclusive() -> None:
    with pytest.raises(UsageError, match="--fps and --times both set the number"):
        plan_schedule(clip(NTSC), F(0), fps=F(60), times=2, slow=None)


@pytest.mark.parametrize(("duration", "count"), [(F(1, 1000), 1), (None, None), (F(3), 180)])
def test_frame_count_is_known_in_advance(duration: Fraction | None, count: int | None) -> None:
    assert Schedule(F(0), F(2), F(30), 1).count_frames(duration) == count


def test_a_long_interval_is_scheduled_in_groups() -> None:
    schedule = Schedule(ZERO, F(1), F(60), 2)
    groups = [slots for _, slots in schedule.assign_frames(source([F(120)]))]
    assert max(len(slots) for slots in groups) == 1000
    slots = [slot for group in groups for slot in group]
    assert [slot.time for slot in slots] == [F(k, 60) for k in range(7200)]
    assert [slot.position for slot in slots] == [F(k, 7200) for k in range(7200)]


def test_an_absurd_rate_is_rejected() -> None:
    clip = Clip(iter, width=1, height=1, rate=F(25))
    with pytest.raises(UsageError, match="12800 frames per second; at most 10000"):
        plan_schedule(clip, ZERO, fps=None, times=512, slow=None)
