"""A video as intervals: each frame until the next, and whether new frames belong between."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction

from kinoloom.base.clip import Frame
from kinoloom.base.notes import Notes
from kinoloom.motion.cuts import Look, is_cut, look, without_repeats


@dataclass(frozen=True)
class Interval:
    """The time from one frame to the next.

    Attributes:
        first: the frame at its beginning.
        second: the frame at its end; None after the last frame of the clip.
        woven: whether frames may be made between the two: false at cuts and at the end.
    """

    first: Frame
    second: Frame | None
    woven: bool

    @property
    def end(self) -> Fraction:
        """When it ends, in seconds."""
        return self.second.time if self.second else self.first.time + self.first.duration


def intervals(frames: Iterable[Frame], *, dedup: bool, notes: Notes) -> Iterator[Interval]:
    """Yield the intervals of a video in order, the last one open-ended.

    Args:
        frames: in order of time.
        dedup: leave out repeated frames, see `cuts.without_repeats`.
        notes: each cut found is added to it.
    """
    looks: Iterator[Look] = map(look, frames)
    if dedup:
        looks = without_repeats(looks)
    before, first, second = None, next(looks, None), next(looks, None)
    while first is not None:
        after = next(looks, None)
        yield _interval(before, first, second, after, notes)
        before, first, second = first, second, after


def _interval(
    before: Look | None, first: Look, second: Look | None, after: Look | None, notes: Notes
) -> Interval:
    if second is None:
        return Interval(first.frame, None, woven=False)
    cut = is_cut(before, first, second, after)
    if cut:
        time = second.frame.time
        notes.add("cut", f"scene cut at {float(time):.2f} s", time=time)
    return Interval(first.frame, second.frame, woven=not cut)
