"""Clips whose pictures are replaced one by one, in order, each from its own frame."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
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

_NUMBERS_PER_SECOND = 1000
"""Frames are numbered by their times, so that patterns do not depend on where reading starts."""


def map_frames(
    clip: Clip, works: Sequence[PictureWork], context: Context, *, uses_samples: bool
) -> Clip:
    """Return the lazy clip of a clip's pictures after the work on each.

    Args:
        clip: a video.
        works: on each picture; the first one, and for a stream that is late the next ones, which
            return the same size and cost less.
        context: of all pictures.
        uses_samples: whether a luma network may work on the decoder's samples, without RGB.
    """
    width, height = works[0].size(clip.width, clip.height)
    if works[0].is_empty and (width, height) == (clip.width, clip.height):
        return clip

    def read(start: Fraction) -> Iterator[Frame]:
        enhancers = [FrameEnhancer(clip, work, context, uses_samples) for work in works]
        return prefetch(_enhance_all(clip, enhancers, prefetch(clip.read(start))), 2)

    return clip.with_(read=read, width=width, height=height, provenance=None)


class FrameEnhancer:
    """Does the work on the frames of a video, in order.

    Args:
        clip: the video.
        work: on each picture.
        context: of all pictures.
        uses_samples: see `map_frames`.
    """

    def __init__(self, clip: Clip, work: PictureWork, context: Context, uses_samples: bool) -> None:
        self._work, self._context = work, context
        network = find_luma_network(work, clip.width, clip.height) if uses_samples else None
        self._enlarger = LumaEnlarger(network, clip.color) if network is not None else None

    def __call__(self, frame: Frame) -> Frame:
        """Return the enhanced frame."""
        if self._enlarger is not None and (enlarged := self._enlarger(frame)) is not None:
            return enlarged
        number = max(0, int(frame.time * _NUMBERS_PER_SECOND))
        image = run_work(self._work, frame.image, replace(self._context, frame=number))
        return Frame(image, frame.time, frame.duration)

    @property
    def kept_share(self) -> float:
        """Share of the picture that did not change and was kept, 0..1."""
        skipper = self._enlarger.skipper if self._enlarger is not None else None
        return skipper.kept / skipper.squares if skipper is not None and skipper.squares else 0.0


def _enhance_all(
    clip: Clip, enhancers: Sequence[FrameEnhancer], frames: Iterable[Frame]
) -> Iterator[Frame]:
    level = 0
    for frame in frames:
        late = clip.pacing.late if clip.pacing is not None else 0
        if level < min(late, len(enhancers) - 1):
            level += 1
            text = f"The stream was late at {float(frame.time):.1f} s; a faster tier is used."
            clip.notes.add("late", text, "warning", frame.time)
        yield enhancers[level](frame)
    if share := enhancers[0].kept_share:
        clip.notes.add("skipped", f"{share:.0%} of the picture did not change and was kept.")


def run_work(work: PictureWork, image: Picture, context: Context) -> Picture:
    """Return an enhanced picture in its own type; alpha is resized with it."""
    colors = work.run(image[..., :3], context, image.dtype)
    if image.shape[2] == 3:
        return colors
    height, width = colors.shape[:2]
    alpha = resize(to_float(np.ascontiguousarray(image[..., 3:])), width, height)
    return np.concatenate([colors, from_float(alpha, image.dtype)], axis=2)
