"""The exact presentation times of a retimed video.

For a source that starts at s0 and lasts D seconds, a slow-motion factor `slow` and an output rate
r, output frame k is presented at slow * s0 + k / r and shows the source at s0 + k / (r * slow);
there are round(D * slow * r) frames, so the output lasts D * slow to within half a frame. Without
a rate (variable-rate sources), each source interval is divided evenly. All times are Fractions, so
no drift accumulates.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from math import ceil, floor

from kinoloom.base.clip import Clip
from kinoloom.errors import UsageError
from kinoloom.film.video.intervals import SourceInterval
from kinoloom.media.limits import MAX_RATE, format_number

_MAX_GROUP = 1000
"""The most output frames that are scheduled together."""


@dataclass(frozen=True)
class OutputFrame:
    """The timing of one output frame.

    Attributes:
        time: its presentation time in seconds.
        duration: its duration in seconds.
        position: its position in its source interval, in [0, 1).
    """

    time: Fraction
    duration: Fraction
    position: Fraction


@dataclass(frozen=True)
class Schedule:
    """The mapping from source times to output frames.

    Attributes:
        origin: time of the first source frame, in seconds.
        slow: ratio of output to source duration.
        rate: output frames per second; None to divide each interval.
        parts: number of output frames per interval, without a rate.
    """

    origin: Fraction
    slow: Fraction
    rate: Fraction | None
    parts: int

    def assign_frames(
        self, intervals: Iterable[SourceInterval], start: Fraction = Fraction(0)
    ) -> Iterator[tuple[SourceInterval, list[OutputFrame]]]:
        """Yield every interval in which output frames start, with those frames.

        If output frames are longer than the last source frame, the last of them may show the
        source for less than half its duration; it is dropped to keep the length right. Therefore
        each interval is only yielded once the next one is known. A very long interval is yielded
        repeatedly, so that memory does not grow with its length.

        Args:
            intervals: of the whole source, or from some time before `start` on.
            start: skip frames that end at or before this output time, in seconds.
        """
        pending: tuple[SourceInterval, list[OutputFrame]] | None = None
        end = self.origin
        for interval in intervals:
            frames = self.schedule_interval(interval, start)
            while group := list(islice(frames, _MAX_GROUP)):
                if pending is not None:
                    yield pending
                pending = interval, group
            end = interval.end
        if pending is not None:
            yield pending[0], [frame for frame in pending[1] if self._is_within(frame, end)]

    def schedule_interval(
        self, interval: SourceInterval, start: Fraction = Fraction(0)
    ) -> Iterator[OutputFrame]:
        """Yield the output frames that start within a source interval.

        Args:
            interval: of the source.
            start: skip frames that end at or before this output time, in seconds.
        """
        frames = (
            self._divide(interval)
            if self.rate is None
            else self._sample_evenly(interval, self.rate)
        )
        return (frame for frame in frames if frame.time + frame.duration > start)

    def count_frames(self, duration: Fraction | None) -> int | None:
        """Return the number of output frames for a source duration; None if it is unknown."""
        if duration is None or self.rate is None:
            return None
        return max(1, _round_half_up(duration * self.slow * self.rate))

    def _sample_evenly(self, interval: SourceInterval, rate: Fraction) -> Iterator[OutputFrame]:
        step = 1 / (rate * self.slow)
        begin = interval.first.time - self.origin
        end = interval.end - self.origin
        is_single = begin == end == 0  # a clip of one frame of unknown duration
        for k in range(ceil(begin / step), 1 if is_single else ceil(end / step)):
            position = (k * step - begin) / (end - begin) if end > begin else Fraction(0)
            yield OutputFrame(self.slow * self.origin + k / rate, 1 / rate, position)

    def _is_within(self, frame: OutputFrame, end: Fraction) -> bool:
        middle = frame.time + frame.duration / 2
        is_first = frame.time == self.slow * self.origin
        return self.rate is None or is_first or middle <= self.slow * end

    def _divide(self, interval: SourceInterval) -> Iterator[OutputFrame]:
        length = interval.end - interval.first.time
        duration = length * self.slow / self.parts
        for m in range(self.parts if length else 1):
            time = interval.first.time * self.slow + m * duration
            yield OutputFrame(time, duration, Fraction(m, self.parts))


def plan_schedule(
    clip: Clip,
    origin: Fraction,
    *,
    fps: Fraction | None,
    times: int | None,
    slow: Fraction | None,
) -> Schedule:
    """Plan the schedule for a rate, a multiple of frames, a slow-motion factor, or several.

    Without any of them the frame count doubles. Slow motion alone keeps the source's rate.

    Raises:
        UsageError: both a rate and a multiple were given, or the rate is above `limits.MAX_RATE`.
    """
    if fps is not None and times is not None:
        raise UsageError(
            "--fps and --times both set the number of frames.", hint="Pass only one of them."
        )
    factor = slow or Fraction(1)
    if times is None:
        times = 1 if slow is not None else 2
    if fps is None and clip.rate is not None:
        fps = clip.rate * times
    if fps is not None and fps > MAX_RATE:
        raise UsageError(
            f"The output would have {format_number(fps)} frames per second; at most {MAX_RATE} "
            "are supported.",
            hint="Pass a lower --fps or --times.",
        )
    parts = times if slow is None else ceil(factor) * times
    return Schedule(origin, factor, fps, parts)


def _round_half_up(value: Fraction) -> int:
    return floor(value + Fraction(1, 2))
