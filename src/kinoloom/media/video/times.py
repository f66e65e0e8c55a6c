"""When the frames of a video are shown, exactly.

A file stores times as whole ticks of its time base. Some time bases are too coarse for the rate
(Matroska's is 1/1000 s), so that 24000/1001 frames a second are stored unevenly. Where one rate
explains the times to within a tick, each frame gets its exact time, a multiple of 1 / rate after
the first; a frame off that grid keeps the time stored. Where no rate explains them, the video has
a variable rate and keeps all its times.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

_NEAR = Fraction(1, 5000)
"""Rates this close, relatively, are one rate written in two ways (23.976 and 24000/1001)."""
_MOST_MISSING = Fraction(1, 20)
"""The part of the frames that may be missing from a constant rate."""


@dataclass(frozen=True)
class Clock:
    """Turns a stream's ticks into seconds on the clip's clock.

    Attributes:
        tick: the stream's time base, in seconds.
        zero: of the clip's clock, in the file's seconds.
        first: the ticks of the first frame.
        rate: frames a second where it is constant, else None.
    """

    tick: Fraction
    zero: Fraction
    first: int
    rate: Fraction | None

    @property
    def begin(self) -> Fraction:
        """When the first frame is shown, in seconds; a whole number of frames if near one."""
        return self.snap(self.first * self.tick - self.zero)

    def time(self, ticks: int) -> Fraction:
        """When the frame stored at `ticks` is shown, in seconds."""
        return self.begin + self.snap((ticks - self.first) * self.tick)

    def ticks(self, time: Fraction) -> int:
        """The last tick at or before a time in seconds, late enough for a frame shown then."""
        return (time + self.zero + self.tick) // self.tick

    def snap(self, time: Fraction) -> Fraction:
        """A stretch of time in seconds, as a whole number of frames if within a tick of one."""
        if self.rate is None:
            return time
        even = round(time * self.rate) / self.rate
        return even if abs(time - even) <= self.tick else time


def constant_rate(
    stored: Iterable[int], tick: Fraction, told: Iterable[Fraction | None]
) -> Fraction | None:
    """The rate that explains the stored times of some consecutive frames, or None.

    A rate that the file tells and that fits exactly is believed; else a usual rate near it that
    fits to within a tick; else a told rate that does.

    Args:
        stored: ticks of frames, in any order.
        tick: the time base, in seconds.
        told: the rates that the file tells, best first.
    """
    times = sorted(set(stored))
    rates = [rate for rate in told if rate]
    if len(times) < 2:
        return rates[0] if rates else None
    mean = (len(times) - 1) / ((times[-1] - times[0]) * tick)
    for rate in rates:
        if _explains(rate, times, tick, Fraction(0)):
            return rate
    usual = [near for each in [*rates, mean] for near in _usual(each)]
    for rate in [*usual, *rates]:
        if 2 * tick * rate <= 1 and _explains(rate, times, tick, tick):
            return rate
    return None


def _usual(rate: Fraction) -> list[Fraction]:
    """The whole rate and the NTSC rate (n * 1000 / 1001) close to a rate, if there are any."""
    near = [Fraction(round(rate)), Fraction(round(rate * 1001 / 1000) * 1000, 1001)]
    return [each for each in near if abs(each - rate) <= rate * _NEAR]


def _explains(rate: Fraction, times: Sequence[int], tick: Fraction, slack: Fraction) -> bool:
    """Whether all times are multiples of 1 / rate after the first, and hardly any is left out."""
    counts = [(time - times[0]) * tick * rate for time in times]
    numbers = [round(count) for count in counts]
    missing = numbers[-1] + 1 - len(numbers)
    return (
        all(a < b for a, b in pairwise(numbers))
        and missing <= _MOST_MISSING * len(numbers)
        and all(abs(c - n) <= slack * rate for c, n in zip(counts, numbers, strict=True))
    )
