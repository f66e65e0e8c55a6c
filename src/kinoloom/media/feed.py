"""The frames of a clip on their way to a writer: made ahead in a thread, and checked."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from fractions import Fraction

from kinoloom.base.clip import Clip, Frame
from kinoloom.base.nouns import Progress
from kinoloom.base.prefetch import prefetch
from kinoloom.errors import ArrayError, UnreadableMediaError, UnsupportedMediaError


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


def feed(
    clip: Clip,
    progress: Progress,
    *,
    after: Fraction | None = None,
    done: int = 0,
) -> Generator[Frame, None, None]:
    """Yield the frames in order while a thread makes the next ones.

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
    shape = None
    last = after
    with closing(prefetch(clip.read(Fraction(0) if after is None else after))) as frames:
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
                raise ArrayError(
                    f"The times of frames must increase: {frame.time} s follows {last} s."
                )
            shape, last = frame.image.shape, frame.time
            yield frame
            done += 1
            progress(done, clip.frame_count)


def shown(frame: Frame, rate: Fraction) -> Fraction:
    """How long a frame stays, in seconds: its duration, or one frame where that is unknown."""
    return frame.duration or 1 / rate


def _size(shape: tuple[int, ...] | None) -> str:
    height, width, channels = shape or (0, 0, 0)
    return f"{width}x{height} with {channels} channels"
