"""Clips whose pictures are replaced one by one, in order, each from its own frame."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

import numpy as np

from kinoloom.base.arrays import Picture, from_float, to_float
from kinoloom.base.clip import Clip, Frame
from kinoloom.base.prefetch import prefetch
from kinoloom.enhance.filters.filter import Context
from kinoloom.enhance.pictures.resizing import resize
from kinoloom.enhance.pictures.work import PictureWork

_NUMBERS_PER_SECOND = 1000
"""Frames are numbered by their times, so that patterns do not depend on where reading starts."""


def map_frames(clip: Clip, work: PictureWork, context: Context) -> Clip:
    """Return the lazy clip of a clip's pictures after the work on each.

    Args:
        clip: a video.
        work: on each picture.
        context: of all of them.
    """
    if (
        not work.stages
        and not work.filters
        and work.size(clip.width, clip.height)
        == (
            clip.width,
            clip.height,
        )
    ):
        return clip

    def enhance(frame: Frame) -> Frame:
        number = int(frame.time * _NUMBERS_PER_SECOND)
        image = run_work(work, frame.image, replace(context, frame=max(number, 0)))
        return Frame(image, frame.time, frame.duration)

    def read(start: Fraction) -> Iterator[Frame]:
        return prefetch(map(enhance, prefetch(clip.read(start))), 2)

    width, height = work.size(clip.width, clip.height)
    return clip.with_(read=read, width=width, height=height, provenance=None)


def run_work(work: PictureWork, image: Picture, context: Context) -> Picture:
    """Return an enhanced picture in its own type; alpha is resized with it."""
    colors = work.run(image[..., :3], context, image.dtype)
    if image.shape[2] == 3:
        return colors
    height, width = colors.shape[:2]
    alpha = resize(to_float(np.ascontiguousarray(image[..., 3:])), width, height)
    return np.concatenate([colors, from_float(alpha, image.dtype)], axis=2)
