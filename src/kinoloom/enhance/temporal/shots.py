"""The frames of a clip with the beginnings of its shots, streaming."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

from kinoloom.base.clip import Frame
from kinoloom.motion.cuts import FrameThumbnail, is_cut, take_thumbnail

PREROLL_FRAMES = 3
"""Frames that the detection of cuts needs before the first whose shot matters."""


@dataclass(frozen=True)
class ShotFrame:
    """A frame and whether a shot begins with it.

    Attributes:
        frame: the frame.
        begins: true for the first frame that is read, and after a cut.
    """

    frame: Frame
    begins: bool


def mark_shots(frames: Iterable[Frame], *, stills: bool = False) -> Iterator[ShotFrame]:
    """Yield each frame, one frame late, with whether a shot begins there.

    A frame of another size begins a shot, too.

    Args:
        frames: in order of time.
        stills: each frame is a photo, and so a shot of its own.
    """
    if stills:
        yield from (ShotFrame(frame, True) for frame in frames)
        return
    before: FrameThumbnail | None = None
    first: FrameThumbnail | None = None
    second: FrameThumbnail | None = None
    for after in chain(map(take_thumbnail, frames), [None]):
        if second is not None:
            yield ShotFrame(second.frame, first is None or _is_cut(before, first, second, after))
        before, first, second = first, second, after


def _is_cut(
    before: FrameThumbnail | None,
    first: FrameThumbnail,
    second: FrameThumbnail,
    after: FrameThumbnail | None,
) -> bool:
    if first.frame.image.shape != second.frame.image.shape:
        return True
    return is_cut(before, first, second, after)
