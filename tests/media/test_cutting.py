"""Parts of clips: times, pictures and sound."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from films import film
from hypothesis import given, settings
from hypothesis import strategies as st

from kinoloom.base.audio import Audio
from kinoloom.errors import UsageError
from kinoloom.media.files import read, write
from kinoloom.media.frames.cutting import cut_audio, cut_clip

RATE_HZ, LOW_HZ = 8000, 147


def ramp(start: Fraction, block: int) -> Audio:
    """Return a track of one second whose samples are their own numbers."""
    values = np.arange(LOW_HZ, dtype=np.float32)[:, None]

    def blocks() -> object:
        return (values[k : k + block] for k in range(0, len(values), block))

    return Audio(blocks, LOW_HZ, 1, "mono", start=start, duration=Fraction(1))


def test_times_start_at_zero_and_pictures_are_those_of_the_source() -> None:
    source = film(30, Fraction(10))
    part = cut_clip(source, Fraction(1), Fraction(1, 2))
    frames = list(part)
    assert [frame.time for frame in frames] == [Fraction(k, 10) for k in range(5)]
    assert part.frame_count == 5
    assert part.duration == Fraction(1, 2)
    for frame, original in zip(frames, source.read(Fraction(1)), strict=False):
        np.testing.assert_array_equal(frame.image, original.image)


def test_reading_from_a_time_equals_the_end_of_the_whole() -> None:
    part = cut_clip(film(30, Fraction(10)), Fraction(1), Fraction(1))
    whole = [frame.time for frame in part]
    late = [frame.time for frame in part.read(Fraction(1, 2))]
    assert late == [time for time in whole if time >= Fraction(1, 2)]


def test_a_start_between_two_frames_begins_with_the_frame_that_is_shown() -> None:
    source = film(30, Fraction(10))
    part = cut_clip(source, Fraction(105, 100), Fraction(3, 10))
    first = next(iter(part))
    np.testing.assert_array_equal(first.image, next(source.read(Fraction(1))).image)
    assert first.time == 0


def test_a_part_beyond_the_end_is_shorter() -> None:
    part = cut_clip(film(12, Fraction(10)), Fraction(1), Fraction(5))
    assert len(list(part)) == part.frame_count == 2
    assert part.duration == Fraction(2, 10)


def test_variable_frame_times_are_kept_and_the_last_duration_ends_with_the_part() -> None:
    times = [Fraction(k * k, 100) for k in range(12)]
    part = cut_clip(film(times=times), Fraction(25, 100), Fraction(20, 100))
    assert [(one.time, one.duration) for one in part] == [
        (Fraction(0), Fraction(11, 100)),
        (Fraction(11, 100), Fraction(9, 100)),
    ]


@pytest.mark.parametrize(("start", "duration"), [(-1, 1), (0, 0), (0, -2)])
def test_impossible_parts_are_rejected(start: int, duration: int) -> None:
    with pytest.raises(UsageError, match="starts at 0 s or later"):
        cut_clip(film(12), Fraction(start), Fraction(duration))


def test_a_start_after_the_end_states_the_length() -> None:
    with pytest.raises(UsageError, match=r"no frames at 80 s: it lasts 1\.20 s"):
        cut_clip(film(12, Fraction(10)), Fraction(80), Fraction(5))


@settings(max_examples=60, deadline=None)
@given(
    begin=st.fractions(0, 3, max_denominator=1000),
    length=st.fractions(Fraction(1, 1000), 2, max_denominator=1000),
    start=st.fractions(-1, 1, max_denominator=1000),
    block=st.integers(1, 200),
)
def test_sound_is_cut_to_the_sample(
    begin: Fraction, length: Fraction, start: Fraction, block: int
) -> None:
    cut = cut_audio(ramp(start, block), begin, begin + length)
    numbers = [k for k in range(LOW_HZ) if begin <= start + Fraction(k, LOW_HZ) < begin + length]
    if cut is None:
        assert numbers == []
        return
    np.testing.assert_array_equal(cut.samples()[:, 0], numbers)
    assert cut.start == start + Fraction(numbers[0], LOW_HZ) - begin
    assert cut.duration == Fraction(len(numbers), LOW_HZ)


def test_a_part_is_written_with_its_sound(tmp_path: Path) -> None:
    tone = np.sin(np.arange(3 * RATE_HZ) / 20, dtype=np.float32)[:, None] * np.float32(0.3)
    tone[:RATE_HZ] = 0
    track = Audio(lambda: iter([tone]), RATE_HZ, 1, "mono", duration=Fraction(3))
    whole = tmp_path / "whole.mkv"
    write(film(30, Fraction(10), audio=(track,)), whole)
    part = tmp_path / "part.mkv"
    write(cut_clip(read(whole), Fraction(1, 2), Fraction(1)), part)
    again = read(part)
    assert [frame.time for frame in again] == [Fraction(k, 10) for k in range(10)]
    sound = again.audio[0].samples()[:, 0]
    rate = again.audio[0].rate_hz
    quiet, loud = (
        float(np.abs(sound[int(begin * rate) : int(end * rate)]).mean())
        for begin, end in ((0.05, 0.45), (0.55, 0.95))
    )
    assert loud > 20 * quiet
