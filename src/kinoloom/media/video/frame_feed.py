"""The frames of a clip on their way to a writer: made ahead in a thread, and checked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from fractions import Fraction

from kinoloom.base.clip import Clip, Frame
from kinoloom.base.files import Progress
from kinoloom.base.prefetch import prefetch
from kinoloom.errors import ArrayError, UnreadableMediaError, UnsupportedMediaError

USUAL_RATE = Fraction(25)
"""Frames a second where nothing is known."""


def first_frame(clip: Clip) -> Frame:
    """The first frame of a clip.

    Raises:
        UnreadableMediaError: the clip has none.
    """
    for frame in clip:
        return frame
    raise UnreadableMediaError(
        "There are no frames to write.", hint="Look at what was read: it may be damaged."
    )


@contextmanager
def feed(
    clip: Clip, progress: Progress, *, after: Fraction | None = None, done: int = 0
) -> Iterator[Iterator[Frame]]:
    """Give the frames in order while a thread makes the next ones; it stops when the block ends.

    Args:
        clip: where they come from.
        progress: told after each frame.
        after: the time of the last frame that is done already, in seconds; None for all frames.
        done: how many frames are done already.

    Raises:
        UnsupportedMediaError: a frame differs in size or channels from those before it; photos
            may.
        ArrayError: the times do not increase.
    """
    with closing(prefetch(clip.read(Fraction(0) if after is None else after))) as frames:
        yield _checked(clip, frames, progress, after, done)


def _checked(
    clip: Clip, frames: Iterator[Frame], progress: Progress, after: Fraction | None, done: int
) -> Iterator[Frame]:
    shape, last = None, after
    for frame in frames:
        if after is not None and frame.time <= after:
            continue
        if not clip.stills and shape not in (None, frame.image.shape):
            raise UnsupportedMediaError(
                f"The frame at {float(frame.time):.3f} s is {_size(frame.image.shape)}, those "
                f"before it are {_size(shape)}.",
                hint="All frames of a film need one size.",
            )
        if last is not None and frame.time <= last:
            raise ArrayError(f"The times of frames must increase: {frame.time} s follows {last} s.")
        shape, last = frame.image.shape, frame.time
        yield frame
        done += 1
        progress(done, clip.frame_count)


def shown(frame: Frame, rate: Fraction | None) -> Fraction:
    """How long a frame stays, in seconds: its duration, or one at the rate if that is unknown."""
    return frame.duration or 1 / (rate or USUAL_RATE)


def _size(shape: tuple[int, ...] | None) -> str:
    height, width, channels = shape or (0, 0, 0)
    return f"{width}x{height} with {channels} channels"
