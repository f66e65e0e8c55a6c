"""Scene cuts of a part of a video, as `interpolate` detects them."""

from __future__ import annotations

from fractions import Fraction
from itertools import takewhile

from kinoloom.base.clip import Clip, read_with_preroll
from kinoloom.base.notes import Notes
from kinoloom.film.video.interpolation import PREROLL_FRAMES
from kinoloom.film.video.intervals import split_intervals


def find_cuts(video: Clip, start: Fraction, end: Fraction) -> tuple[list[Fraction], Fraction]:
    """Return the times of the cuts in a part of a video, and where the next part starts.

    Args:
        video: the source.
        start, end: of the part, in seconds.
    """
    notes, reached = Notes(), start
    intervals = split_intervals(
        read_with_preroll(video, start, PREROLL_FRAMES), dedup=False, notes=notes
    )
    for interval in takewhile(lambda one: one.first.time < end, intervals):
        reached = interval.end
    times = [note.time for note in notes if note.kind == "cut" and note.time is not None]
    return [time for time in times if start < time <= reached], reached
