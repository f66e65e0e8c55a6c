"""Clips whose pictures are replaced one by one, in order, each from its own frame."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from fractions import Fraction

import numpy as np

from kinoloom.base.arrays import Picture, from_float, to_float
from kinoloom.base.clip import Clip, Frame
from kinoloom.base.prefetch import prefetch
from kinoloom.enhance.filters.filter import Context
from kinoloom.enhance.pictures.resizing import resize
from kinoloom.enhance.pictures.work import PictureWork
from kinoloom.enhance.video.luma import LumaEnlarger, find_luma_network
from kinoloom.enhance.video.skipping import Skipper

_NUMBERS_PER_SECOND = 1000
"""Frames are numbered by their times, so that patterns do not depend on where reading starts."""


def map_frames(clip: Clip, work: PictureWork, context: Context, *, uses_samples: bool) -> Clip:
    """Return the lazy clip of a clip's pictures after the work on each.

    Args:
        clip: a video.
        work: on each picture.
        context: of all of them.
        uses_samples: whether a luma network may work on the decoder's samples, without RGB.
    """
    width, height = work.size(clip.width, clip.height)
    if not work.stages and not work.filters and (width, height) == (clip.width, clip.height):
        return clip
    network = find_luma_network(work, clip.width, clip.height) if uses_samples else None

    def enhance(frame: Frame) -> Frame:
        number = int(frame.time * _NUMBERS_PER_SECOND)
        image = run_work(work, frame.image, replace(context, frame=max(number, 0)))
        return Frame(image, frame.time, frame.duration)

    def enhance_all(frames: Iterable[Frame]) -> Iterator[Frame]:
        enlarger = LumaEnlarger(network, clip.color) if network is not None else None
        for frame in frames:
            yield (enlarger(frame) if enlarger is not None else None) or enhance(frame)
        if enlarger is not None:
            _note_skipping(clip, enlarger.skipper)

    def read(start: Fraction) -> Iterator[Frame]:
        return prefetch(enhance_all(prefetch(clip.read(start))), 2)

    return clip.with_(read=read, width=width, height=height, provenance=None)


def _note_skipping(clip: Clip, skipper: Skipper) -> None:
    if skipper.kept:
        share = skipper.kept / skipper.squares
        clip.notes.add("skipped", f"{share:.0%} of the picture did not change and was kept.")


def run_work(work: PictureWork, image: Picture, context: Context) -> Picture:
    """Return an enhanced picture in its own type; alpha is resized with it."""
    colors = work.run(image[..., :3], context, image.dtype)
    if image.shape[2] == 3:
        return colors
    height, width = colors.shape[:2]
    alpha = resize(to_float(np.ascontiguousarray(image[..., 3:])), width, height)
    return np.concatenate([colors, from_float(alpha, image.dtype)], axis=2)
