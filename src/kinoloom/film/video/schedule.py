"""When the frames of a retimed video are shown, exactly.

With a source that runs from s0 for D seconds, a slowness of `slow` and an output rate r, frame k
is shown at slow * s0 + k / r and shows the source at s0 + k / (r * slow); there are
round(D * slow * r) frames, so the film lasts D * slow to within half a frame. Without a rate
(variable-rate sources) each interval between frames of the source is divided evenly.
All times are Fractions; nothing drifts over any length.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor

from kinoloom.base.clip import Clip
from kinoloom.errors import UsageError
from kinoloom.film.video.intervals import Interval


@dataclass(frozen=True)
class Slot:
    """One frame of the output.

    Attributes:
        time: when it is shown, in seconds on the output's clock.
        duration: for how long.
        position: 0 at the beginning of its interval of the source, below 1.
    """

    time: Fraction
    duration: Fraction
    position: Fraction


@dataclass(frozen=True)
class Schedule:
    """How source times become output frames.

    Attributes:
        origin: time of the source's first frame, in seconds.
        slow: how many times longer the output lasts.
        rate: frames a second of the output, None to divide each interval.
        parts: into how many parts, where there is no rate.
    """

    origin: Fraction
    slow: Fraction
    rate: Fraction | None
    parts: int

    def plan(
        self, intervals: Iterable[Interval], start: Fraction = Fraction(0)
    ) -> Iterator[tuple[Interval, list[Slot]]]:
        """Every interval in which output frames begin, with those frames.

        Where frames are longer than the source's last one, the last of them may show the source
        for less than half its time; it is left out, so that the length is right. Each pair is
        therefore yielded only when the next is known.

        Args:
            intervals: of the whole source, or of the source from somewhere before `start` on.
            start: leave out frames that end at or before this output time, in seconds.
        """
        waiting: tuple[Interval, list[Slot]] | None = None
        end = self.origin
        for interval in intervals:
            slots = list(self.slots(interval, start))
            if slots:
                if waiting is not None:
                    yield waiting
                waiting = interval, slots
            end = interval.end
        if waiting is not None:
            yield waiting[0], [slot for slot in waiting[1] if self._belongs(slot, end)]

    def slots(self, interval: Interval, start: Fraction = Fraction(0)) -> Iterator[Slot]:
        """The output frames that begin within an interval of the source.

        Args:
            interval: of the source.
            start: leave out frames that end at or before this output time, in seconds.
        """
        made = self._divided(interval) if self.rate is None else self._even(interval, self.rate)
        return (slot for slot in made if slot.time + slot.duration > start)

    def count(self, duration: Fraction | None) -> int | None:
        """How many frames a source of that duration gives; None where it depends on them."""
        if duration is None or self.rate is None:
            return None
        return max(1, _half_up(duration * self.slow * self.rate))

    def _even(self, interval: Interval, rate: Fraction) -> Iterator[Slot]:
        step = 1 / (rate * self.slow)
        begin = interval.first.time - self.origin
        end = interval.end - self.origin
        lone = begin == end == 0  # a clip of one frame that says nothing of its duration
        for k in range(ceil(begin / step), 1 if lone else ceil(end / step)):
            position = (k * step - begin) / (end - begin) if end > begin else Fraction(0)
            yield Slot(self.slow * self.origin + k / rate, 1 / rate, position)

    def _belongs(self, slot: Slot, end: Fraction) -> bool:
        middle = slot.time + slot.duration / 2
        first = slot.time == self.slow * self.origin
        return self.rate is None or first or middle <= self.slow * end

    def _divided(self, interval: Interval) -> Iterator[Slot]:
        length = interval.end - interval.first.time
        share = length * self.slow / self.parts
        for m in range(self.parts if length else 1):
            time = interval.first.time * self.slow + m * share
            yield Slot(time, share, Fraction(m, self.parts))


def plan_schedule(
    clip: Clip,
    origin: Fraction,
    *,
    fps: Fraction | None,
    times: int | None,
    slow: Fraction | None,
) -> Schedule:
    """The schedule for what was asked: a rate, a multiple of frames, a slowness, or several.

    Nothing asked means twice the frames. Slowness alone keeps the rate of the source.

    Raises:
        UsageError: both a rate and a multiple were given.
    """
    if fps is not None and times is not None:
        raise UsageError("--fps and --times both say how many frames; give one of them.")
    slowness = slow or Fraction(1)
    if times is None:
        times = 1 if slow is not None else 2
    if fps is None and clip.rate is not None:
        fps = clip.rate * times
    parts = times if slow is None else ceil(slowness) * times
    return Schedule(origin, slowness, fps, parts)


def _half_up(value: Fraction) -> int:
    return floor(value + Fraction(1, 2))
