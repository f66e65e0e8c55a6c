"""Feed the frames of a clip to a writer: computed ahead in a thread, and checked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from fractions import Fraction

from kinoloom.base.clip import Clip, Frame
from kinoloom.base.files import Progress
from kinoloom.base.prefetch import prefetch
from kinoloom.errors import ArrayError, UnreadableMediaError, UnsupportedMediaError

DEFAULT_RATE = Fraction(25)
"""Frames per second if nothing is known."""


def read_first_frame(clip: Clip) -> Frame:
    """Return the first frame of a clip.

    Raises:
        UnreadableMediaError: the clip has no frames.
        InputChangedError: a file that the clip reads has changed.
    """
    with clip.record.files.guard():
        for frame in clip:
            return frame
    raise UnreadableMediaError(
        "The clip has no frames.", hint="Check the input: it may be damaged."
    )


@contextmanager
def feed(
    clip: Clip, progress: Progress, *, after: Fraction | None = None, done: int = 0
) -> Iterator[Iterator[Frame]]:
    """Yield an iterator of frames, while a thread computes the next ones until the block ends.

    Args:
        clip: the source of the frames.
        progress: called after each frame.
        after: time of the last frame that is finished, in seconds; None to feed all frames.
        done: number of frames that are finished.

    Raises:
        UnsupportedMediaError: a frame of a film differs from the previous one in size or channels.
        ArrayError: the times do not increase.
    """
    with closing(prefetch(clip.read(Fraction(0) if after is None else after))) as frames:
        yield _check_frames(clip, frames, progress, after, done)


def _check_frames(
    clip: Clip, frames: Iterator[Frame], progress: Progress, after: Fraction | None, done: int
) -> Iterator[Frame]:
    shape, last = None, after
    for frame in frames:
        if after is not None and frame.time <= after:
            continue
        if not clip.stills and shape not in (None, frame.shape):
            raise UnsupportedMediaError(
                f"The frame at {float(frame.time):.3f} s is "
                f"{_describe_size(frame.shape)}; the "
                f"frames before it are {_describe_size(shape)}.",
                hint="All frames of a film must have the same size.",
            )
        if last is not None and frame.time <= last:
            raise ArrayError(f"Frame times must increase: {frame.time} s follows {last} s.")
        shape, last = frame.shape, frame.time
        yield frame
        done += 1
        progress(done, clip.frame_count)


def display_duration(frame: Frame, rate: Fraction | None) -> Fraction:
    """Return how long a frame is shown, in seconds; 1 / rate if its duration is unknown."""
    return frame.duration or 1 / (rate or DEFAULT_RATE)


def _describe_size(shape: tuple[int, ...] | None) -> str:
    height, width, channels = shape or (0, 0, 0)
    return f"{width}x{height} with {channels} channels"
