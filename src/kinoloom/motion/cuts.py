"""Scene cuts and repeated frames: what must not, and what should, be woven across.

Both are told from a few neighbouring frames only, so that reading from any time on gives the
same answers as reading from the start.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kinoloom.base.arrays import Picture, to_float
from kinoloom.base.clip import Frame

_THUMB = (64, 36)
_CUT_DIFFERENCE = 0.05
"""Mean absolute difference of two thumbnails (0..1) from which a pair may be a cut."""
_CUT_CONTRAST = 1.5
"""How many times the difference of the neighbouring pairs a cut's difference is at least.

At 2.5, one cut in seven between moving scenes was missed, at 1.5 one in forty, with no more false
ones (594 cuts and as many pairs without, made of 33 videos at one to four times their speed).
"""
_CUT_SCORE = 0.25
"""Frames of one scene match better than this (`matching.same_scene`).

Stricter than for photos, which may be seconds apart: frames of those videos that pass the tests
above score at least 0.36, frames of different scenes up to 0.13.
"""
_SAME_MEAN, _SAME_BLOCK = 0.002, 0.012
"""Frames are repeats when their thumbnails differ by less: on average, and anywhere."""
MAX_REPEATS = 3
"""A picture shown longer than this many extra frames is a still, not a repeat."""


class Look(NamedTuple):
    """A frame and its thumbnail, (36, 64) float32 grey in 0..1."""

    frame: Frame
    thumb: NDArray[np.float32]


def look(frame: Frame) -> Look:
    """Take a frame's thumbnail."""
    return Look(frame, thumbnail(frame.image))


def thumbnail(image: Picture) -> NDArray[np.float32]:
    """The picture's brightness averaged over a grid of 64x36 cells, (36, 64) float32."""
    import cv2

    small = cv2.resize(image, _THUMB, interpolation=cv2.INTER_AREA)
    grey = to_float(np.asarray(small))[..., :3].mean(axis=2)
    return np.asarray(grey, np.float32)


def difference(first: Look, second: Look) -> float:
    """Mean absolute difference of the thumbnails, 0..1."""
    return float(np.abs(first.thumb - second.thumb).mean())


def is_repeat(first: Look, second: Look) -> bool:
    """Whether the second frame shows the same picture again, but for compression noise."""
    apart = np.abs(first.thumb - second.thumb)
    return bool(apart.mean() < _SAME_MEAN and apart.max() < _SAME_BLOCK)


def is_cut(before: Look | None, first: Look, second: Look, after: Look | None) -> bool:
    """Whether a new scene begins at `second`.

    A cut is a large change between two frames whose neighbours change little; pairs that only
    look so (a flash, a fast pan) are sorted out by whether the same things can be found in both.

    Args:
        before, after: the frames before `first` and after `second`, None at the ends.
    """
    change = difference(first, second)
    if change < _CUT_DIFFERENCE:
        return False
    around = [difference(before, first)] if before else []
    around += [difference(second, after)] if after else []
    if change < _CUT_CONTRAST * max(around, default=0.0):
        return False
    from kinoloom.motion.matching import same_scene

    return same_scene(first.frame.image, second.frame.image).score < _CUT_SCORE


def without_repeats(looks: Iterable[Look]) -> Iterator[Look]:
    """Leave out frames that repeat the one before, in runs of up to `MAX_REPEATS`.

    A picture that stays longer is a still and all its frames are kept. The last frame of all is
    kept too, so that the clip ends when it did.
    """
    run: list[Look] = []  # the last frames that repeat each other and were not yielded yet
    still = False
    for item in looks:
        if run and not is_repeat(run[-1], item):
            yield run[0]
            run, still = [], False
        run.append(item)
        still = still or len(run) > MAX_REPEATS + 1
        if still:
            yield from run[:-1]
            run = run[-1:]
    yield from run
