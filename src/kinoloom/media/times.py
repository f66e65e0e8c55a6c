"""When the frames of a video stream are shown, exactly.

A container stores times as whole ticks of its time base; some round them coarsely (Matroska: to
milliseconds), so that 24000/1001 frames a second are no longer evenly spaced. Where a stream's
stored rate explains all its times to within a tick, the rate is believed and each frame gets its
exact time; where it does not, the rate is variable and the stored times are kept.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

_USUAL = [Fraction(n * 1000, 1001) for n in (24, 30, 48, 60, 120)]


@dataclass(frozen=True)
class Clock:
    """Turns a stream's ticks into seconds on the clip's clock.

    Attributes:
        tick: the stream's time base, in seconds.
        first: the ticks of the stream's first frame.
        origin: the earliest time of any stream of the file, in seconds: the clip's zero.
        rate: frames a second where it is constant, else None.
    """

    tick: Fraction
    first: int
    origin: Fraction
    rate: Fraction | None

    def time(self, pts: int) -> Fraction:
        """When a frame is shown, in seconds."""
        since_first = (pts - self.first) * self.tick
        if self.rate is not None:
            count = round(since_first * self.rate)
            if abs(since_first - count / self.rate) <= self.tick:
                since_first = count / self.rate
        return self.first * self.tick - self.origin + since_first

    def pts(self, time: Fraction) -> int:
        """The last tick at or before a time."""
        return (time + self.origin) // self.tick

    def next_pts(self, pts: int | None) -> int:
        """The ticks of the frame after the one at `pts`, for frames that are only counted."""
        if pts is None or self.rate is None:
            return self.first
        number = round((pts - self.first) * self.tick * self.rate) + 1
        return self.first + round(number / self.rate / self.tick)


def constant_rate(
    pts: Iterable[int], tick: Fraction, stored: Iterable[Fraction | None]
) -> Fraction | None:
    """The rate that explains all times to within a tick, or None.

    Args:
        pts: of some frames, in order.
        tick: the time base, in seconds.
        stored: the rates that the container and codec tell, best first.
    """
    shown = list(pts)
    if len(shown) < 2 or any(a >= b for a, b in pairwise(shown)):
        return None
    told = [rate for rate in stored if rate]
    near = [u for u in _USUAL for rate in told if abs(u / rate - 1) < Fraction(1, 5000)]
    for rate in [*near, *told]:
        counts = [(p - shown[0]) * tick * rate for p in shown]
        if all(abs(c - round(c)) <= tick * rate for c in counts) and _steady(counts):
            return rate
    return None


def _steady(counts: list[Fraction]) -> bool:
    """Whether hardly any frame is left out: otherwise a finer rate would explain anything."""
    missing = round(counts[-1]) + 1 - len(counts)
    return missing * 20 <= len(counts)
