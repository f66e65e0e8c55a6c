"""A part of a clip, as a clip of its own: lazy, with its sound.

Conventions: the part begins with the frame that is shown at the requested start, whose time becomes
0. Sound is cut at the same times, exact to a sample. Subtitles, chapters and tags belong to the
whole file and are left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from math import ceil

from kinoloom.base.audio import Audio, Samples
from kinoloom.base.clip import Clip, DeferredFrame, Frame
from kinoloom.errors import UsageError


def cut_clip(clip: Clip, start: Fraction, duration: Fraction) -> Clip:
    """Return a part of a video.

    Args:
        clip: the video; its first frames after `start` are read now.
        start: in seconds, at least 0.
        duration: in seconds, above 0; the part is shorter where the clip ends before.

    Raises:
        UsageError: a time below 0, no duration, or a start at which the clip has ended.
    """
    if start < 0 or duration <= 0:
        raise UsageError(
            f"A part of a video starts at 0 s or later and lasts more than 0 s, not from "
            f"{float(start):g} s on for {float(duration):g} s."
        )
    first = next(clip.read(start), None)
    if first is None or (clip.duration is not None and start >= clip.duration):
        length = "" if clip.duration is None else f": it lasts {float(clip.duration):.2f} s"
        raise UsageError(f"The video has no frames at {float(start):g} s{length}.")
    begin = first.time
    end = begin + duration
    count = ceil(duration * clip.rate) if clip.rate is not None else None
    if clip.duration is not None:
        end = min(end, clip.duration)
    if clip.rate is not None and count is not None:
        left = None if clip.duration is None else ceil((clip.duration - begin) * clip.rate)
        count = count if left is None else min(count, left)
        end = begin + count / clip.rate

    def read(position: Fraction) -> Iterator[Frame]:
        for frame in clip.read(begin + max(position, Fraction(0))):
            if frame.time >= end:
                break
            yield _move(frame, begin, end)

    return clip.with_(
        read=read,
        duration=end - begin,
        frame_count=count,
        audio=tuple(cut for one in clip.audio if (cut := cut_audio(one, begin, end)) is not None),
        origin=None,
        provenance=None,
    )


def cut_audio(audio: Audio, begin: Fraction, end: Fraction) -> Audio | None:
    """Return a sound track between two times of the clip; the first one becomes 0.

    Args:
        audio: the track.
        begin, end: in seconds, begin < end.

    Returns:
        The part, or None if the track has no sound there.
    """
    rate = audio.rate_hz
    skipped = max(0, ceil((begin - audio.start) * rate))
    stop = ceil((end - audio.start) * rate)
    if audio.duration is not None:
        stop = min(stop, ceil(audio.duration * rate))
    if stop <= skipped:
        return None

    def read() -> Iterator[Samples]:
        position = 0
        for block in audio.read():
            part = block[max(skipped - position, 0) : max(stop - position, 0)]
            position += len(block)
            if len(part):
                yield part
            if position >= stop:
                break

    return replace(
        audio,
        read=read,
        start=audio.start + Fraction(skipped, rate) - begin,
        duration=Fraction(stop - skipped, rate),
        origin=None,
    )


def _move(frame: Frame, begin: Fraction, end: Fraction) -> Frame:
    """Return a frame on the clock of the part; its picture is still computed when it is used."""
    duration = min(frame.duration, end - frame.time)
    return DeferredFrame(lambda: frame.image, frame.time - begin, duration, frame.native)
