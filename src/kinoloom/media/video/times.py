"""Exact display times of the frames of a video.

A file stores times as integer ticks of its time base. Some time bases are too coarse for the frame
rate: in Matroska's 1/1000 s, 24000/1001 frames per second are unevenly spaced. If a single rate
explains the stored times to within one tick, each frame gets its exact time, a multiple of
1 / rate after the first frame; a frame off this grid keeps its stored time. If no rate explains
them, the video has a variable frame rate and keeps all stored times.

Film on DVDs is stored with 24 frames per second, shown for three and two fields in turn. Its frames
get even times again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

_SAME_RATE = Fraction(1, 5000)
"""Relative difference below which two rates are equal (23.976 and 24000/1001)."""
_FILM_RATES = (Fraction(24000, 1001), Fraction(24))
_MIN_FILM_FRAMES = 8
_MAX_MISSING = Fraction(1, 20)
"""Fraction of the frames that may be missing at a constant rate."""


@dataclass(frozen=True)
class Clock:
    """Converts a stream's ticks to seconds on the clip's clock.

    Attributes:
        tick: the stream's time base, in seconds.
        zero: the zero of the clip's clock, in seconds of the file.
        first: ticks of the first frame.
        rate: frames per second; None if it varies.
        slack: stored times may differ by this from the even ones, plus a tick, in seconds.
    """

    tick: Fraction
    zero: Fraction
    first: int
    rate: Fraction | None
    slack: Fraction = Fraction(0)

    @property
    def begin(self) -> Fraction:
        """Time of the first frame, in seconds, snapped to the frame grid."""
        return self.snap(self.first * self.tick - self.zero)

    def time(self, ticks: int) -> Fraction:
        """Return the display time of the frame stored at `ticks`, in seconds."""
        return self.begin + self.snap((ticks - self.first) * self.tick)

    def ticks(self, time: Fraction) -> int:
        """Return the ticks to seek to for the frame shown at a time in seconds."""
        return (time + self.zero + self.tick) // self.tick

    def snap(self, time: Fraction) -> Fraction:
        """Round a time span in seconds to whole frames, if it is close to them."""
        if self.rate is None:
            return time
        even = round(time * self.rate) / self.rate
        return even if abs(time - even) <= self.tick + self.slack else time


def constant_rate(
    stored: Iterable[int], tick: Fraction, declared: Iterable[Fraction | None]
) -> Fraction | None:
    """Return the rate that explains the stored times of consecutive frames, or None.

    Preferred is a rate that the file declares and that fits exactly, then a standard rate close to
    a declared one that fits to within one tick, then a declared rate that does.

    Args:
        stored: ticks of frames, in any order.
        tick: the time base, in seconds.
        declared: rates from the file's headers, best first.
    """
    times = sorted(set(stored))
    rates = [rate for rate in declared if rate]
    if len(times) < 2:
        return rates[0] if rates else None
    mean = (len(times) - 1) / ((times[-1] - times[0]) * tick)
    for rate in rates:
        if _explains(rate, times, tick, Fraction(0)):
            return rate
    usual = [near for each in [*rates, mean] for near in _standard_rates(each)]
    for rate in [*usual, *rates]:
        if 2 * tick * rate <= 1 and _explains(rate, times, tick, tick):
            return rate
    return None


def find_film_rate(stored: Iterable[int], tick: Fraction) -> Fraction | None:
    """Return the rate of film whose frames are shown for three and two fields in turn, or None.

    Args:
        stored: ticks of frames, in any order.
        tick: the time base, in seconds.
    """
    times = sorted(set(stored))
    spans = [(after - before) * tick for before, after in pairwise(times)]
    if len(spans) < _MIN_FILM_FRAMES:
        return None
    for film in _FILM_RATES:
        field = Fraction(2, 5) / film
        fields = [round(span / field) for span in spans]
        fits = all(abs(n * field - span) <= tick for n, span in zip(fields, spans, strict=True))
        if fits and all({a, b} == {2, 3} for a, b in pairwise(fields)):
            return film
    return None


def list_rates(
    declared: Sequence[Fraction | None], count: int, duration: Fraction
) -> list[Fraction | None]:
    """Return the declared rates, best first.

    Without a mean rate, FFmpeg derives that of a single frame from the time base (an animated PNG
    of one frame: 100,000 per second); its duration is used instead.

    Args:
        declared: the mean rate of the stream, then estimates of FFmpeg.
        count: number of frames whose times are known.
        duration: of the first frame in seconds, 0 if unknown.
    """
    if count < 2 and declared[0] is None and duration > 0:
        return [1 / duration, *declared[1:]]
    return list(declared)


def _standard_rates(rate: Fraction) -> list[Fraction]:
    """Return the integer rate and the NTSC rate (n * 1000 / 1001) that are close to a rate."""
    near = [Fraction(round(rate)), Fraction(round(rate * 1001 / 1000) * 1000, 1001)]
    return [each for each in near if abs(each - rate) <= rate * _SAME_RATE]


def _explains(rate: Fraction, times: Sequence[int], tick: Fraction, slack: Fraction) -> bool:
    """Whether all times are multiples of 1 / rate after the first, with few frames missing."""
    counts = [(time - times[0]) * tick * rate for time in times]
    numbers = [round(count) for count in counts]
    missing = numbers[-1] + 1 - len(numbers)
    return (
        all(a < b for a, b in pairwise(numbers))
        and missing <= _MAX_MISSING * len(numbers)
        and all(abs(c - n) <= slack * rate for c, n in zip(counts, numbers, strict=True))
    )
