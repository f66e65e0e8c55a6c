"""Scene cuts, which are never interpolated across, and repeated frames, which can be replaced.

Both are detected from a few neighbouring frames, so that reading from any start time gives the same
result as reading from the beginning.
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
"""Minimum mean absolute difference of the two thumbnails of a cut, 0..1."""
_CUT_CONTRAST = 1.5
"""Minimum ratio of a cut's difference to that of the neighbouring pairs.

At 2.5 one cut in seven between moving scenes is missed, at 1.5 one in forty, with equally few false
detections (594 cuts and as many pairs without, from 33 videos at one to four times their speed).
"""
_CUT_SCORE = 0.25
"""Minimum `matching.same_scene` score of two frames of one scene.

It is stricter than for photos, which may be seconds apart: frames of one scene in those videos that
pass the tests above score at least 0.36, frames of different scenes at most 0.13.
"""
_SAME_MEAN, _SAME_BLOCK = 0.002, 0.012
"""Maximum differences between the thumbnails of repeated frames: mean, and per cell."""
MAX_REPEATS = 3
"""A picture repeated more often than this is a still, not a repeat."""


class FrameThumbnail(NamedTuple):
    """A frame and its thumbnail, (36, 64) float32 grey in 0..1."""

    frame: Frame
    thumb: NDArray[np.float32]


def take_thumbnail(frame: Frame) -> FrameThumbnail:
    """Compute a frame's thumbnail."""
    return FrameThumbnail(frame, thumbnail(frame.image))


def thumbnail(image: Picture) -> NDArray[np.float32]:
    """Average the picture's brightness over a grid of 64x36 cells, (36, 64) float32."""
    import cv2

    small = cv2.resize(image, _THUMB, interpolation=cv2.INTER_AREA)
    grey = to_float(np.asarray(small))[..., :3].mean(axis=2)
    return np.asarray(grey, np.float32)


def difference(first: FrameThumbnail, second: FrameThumbnail) -> float:
    """Return the mean absolute difference of the thumbnails, 0..1."""
    return float(np.abs(first.thumb - second.thumb).mean())


def is_repeat(first: FrameThumbnail, second: FrameThumbnail) -> bool:
    """Whether the second frame repeats the first, up to compression noise."""
    apart = np.abs(first.thumb - second.thumb)
    return bool(apart.mean() < _SAME_MEAN and apart.max() < _SAME_BLOCK)


def is_cut(
    before: FrameThumbnail | None,
    first: FrameThumbnail,
    second: FrameThumbnail,
    after: FrameThumbnail | None,
) -> bool:
    """Whether a new scene begins at `second`.

    A cut is a large change between two frames whose neighbours change little. A flash or a fast pan
    is distinguished by matching the scenes of the two frames.

    Args:
        before, after: the frames before `first` and after `second`; None at the ends.
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


def drop_repeats(looks: Iterable[FrameThumbnail]) -> Iterator[FrameThumbnail]:
    """Remove frames that repeat the previous one, in runs of up to `MAX_REPEATS`.

    A longer run is a still, and all its frames are kept. The last frame of the clip is kept too, so
    that the clip keeps its duration.
    """
    run: list[FrameThumbnail] = []  # repeated frames that are not yielded yet
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
