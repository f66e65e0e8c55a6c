"""Reading a clip from some frames before a time, for results that depend on earlier frames."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import chain

from kinoloom.base.clip.clip import Clip, Frame

_VARIABLE_RATE_PREROLL_S = Fraction(1)


def read_with_preroll(clip: Clip, start: Fraction, count: int) -> Iterator[Frame]:
    """Yield the clip's frames from `count` frames before a time, or from the first.

    With a variable rate or missing frames, the search moves back until there are that many.

    Args:
        clip: the clip.
        start: in seconds.
        count: at least 1.
    """
    back = count / clip.rate if clip.rate else _VARIABLE_RATE_PREROLL_S
    while True:
        begin = max(start - back, Fraction(0))
        frames, before = clip.read(begin), list[Frame]()
        for frame in frames:
            before.append(frame)
            if len(before) == count or frame.time >= start:
                break
        if len(before) == count or not begin:
            return chain(before, frames)
        back *= 2
