"""The source intervals of a video: from each frame to the next, and whether they are one scene."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction

from kinoloom.base.clip import Frame
from kinoloom.base.notes import Notes
from kinoloom.motion.cuts import FrameThumbnail, drop_repeats, is_cut, take_thumbnail


@dataclass(frozen=True)
class SourceInterval:
    """The time from one source frame to the next.

    Attributes:
        first: the frame at its start.
        second: the frame at its end; None after the last frame of the clip.
        is_continuous: whether frames may be interpolated between the two: false at scene cuts
            and at the end.
    """

    first: Frame
    second: Frame | None
    is_continuous: bool

    @property
    def end(self) -> Fraction:
        """The end of the interval, in seconds."""
        return self.second.time if self.second else self.first.time + self.first.duration


def split_intervals(
    frames: Iterable[Frame], *, dedup: bool, notes: Notes
) -> Iterator[SourceInterval]:
    """Yield the source intervals of a video in order, the last one without a second frame.

    Args:
        frames: in order of time.
        dedup: drop repeated frames, see `cuts.drop_repeats`.
        notes: receives a note for each scene cut.
    """
    thumbnails: Iterator[FrameThumbnail] = map(take_thumbnail, frames)
    if dedup:
        thumbnails = drop_repeats(thumbnails)
    before, first, second = None, next(thumbnails, None), next(thumbnails, None)
    while first is not None:
        after = next(thumbnails, None)
        yield _build_interval(before, first, second, after, notes)
        before, first, second = first, second, after


def _build_interval(
    before: FrameThumbnail | None,
    first: FrameThumbnail,
    second: FrameThumbnail | None,
    after: FrameThumbnail | None,
    notes: Notes,
) -> SourceInterval:
    if second is None:
        return SourceInterval(first.frame, None, is_continuous=False)
    cut = is_cut(before, first, second, after)
    if cut:
        time = second.frame.time
        notes.add("cut", f"scene cut at {float(time):.2f} s", time=time)
    return SourceInterval(first.frame, second.frame, is_continuous=not cut)
