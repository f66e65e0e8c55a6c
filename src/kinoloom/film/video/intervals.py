"""The source intervals of a video: from each frame to the next, and whether they are one scene."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from kinoloom.base.clip import Frame
from kinoloom.base.notes import Notes
from kinoloom.base.units import parse_fraction
from kinoloom.errors import UsageError
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


def parse_cuts(text: str) -> tuple[Fraction, ...]:
    """Return the times of the option `cuts` in ascending order.

    Raises:
        UsageError: one of them is not a time in seconds.
    """
    words = [word.strip() for word in text.split(",") if word.strip()]
    try:
        times = [parse_fraction(word) for word in words]
    except UsageError as error:
        raise UsageError(f"--cuts: {error}", hint="Example: --cuts 1.5,12.04") from error
    if any(time < 0 for time in times):
        raise UsageError(f"--cuts must be times from 0 s on, not {text}.")
    return tuple(sorted(times))


def split_intervals(
    frames: Iterable[Frame],
    *,
    dedup: bool,
    notes: Notes,
    cuts: Sequence[Fraction] | None = None,
) -> Iterator[SourceInterval]:
    """Yield the source intervals of a video in order, the last one without a second frame.

    Args:
        frames: in order of time.
        dedup: drop repeated frames, see `cuts.drop_repeats`.
        notes: receives a note for each scene cut.
        cuts: ascending times in seconds at which new scenes begin; None to detect them. A time
            between two frames belongs to the second one.
    """
    thumbnails: Iterator[FrameThumbnail] = map(take_thumbnail, frames)
    if dedup:
        thumbnails = drop_repeats(thumbnails)
    before, first, second = None, next(thumbnails, None), next(thumbnails, None)
    while first is not None:
        after = next(thumbnails, None)
        is_new = _is_among(cuts, first, second) if cuts is not None else None
        yield _build_interval(before, first, second, after, notes, is_new)
        before, first, second = first, second, after


def _build_interval(
    before: FrameThumbnail | None,
    first: FrameThumbnail,
    second: FrameThumbnail | None,
    after: FrameThumbnail | None,
    notes: Notes,
    is_new: bool | None,
) -> SourceInterval:
    if second is None:
        return SourceInterval(first.frame, None, is_continuous=False)
    cut = is_cut(before, first, second, after) if is_new is None else is_new
    if cut:
        time = second.frame.time
        notes.add("cut", f"scene cut at {float(time):.2f} s", time=time)
    return SourceInterval(first.frame, second.frame, is_continuous=not cut)


def _is_among(
    cuts: Sequence[Fraction], first: FrameThumbnail, second: FrameThumbnail | None
) -> bool:
    """Whether a cut is after the first frame's time and not after that of the second."""
    if second is None:
        return False
    return bisect_right(cuts, first.frame.time) < bisect_right(cuts, second.frame.time)
