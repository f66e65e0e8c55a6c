"""Carry timecode over: the clock of the recording, hours:minutes:seconds:frames.

The output starts at the same time of that clock; the frames are counted at its own rate. Frame
numbers that drop-frame timecode leaves out (two in most minutes at 30000/1001 frames per second,
four at 60000/1001) are left out at multiples of that rate too, and not otherwise.

Source: SMPTE ST 12-1.
"""

from __future__ import annotations

import re
from fractions import Fraction

from av.container import InputContainer
from av.stream import Stream
from av.video.stream import VideoStream

_MAX_RATE = 255
"""The frame count of MP4 and MOV is one byte."""
_DROP_RATE = 30
_PATTERN = re.compile(r"(\d\d):(\d\d):(\d\d)([:;.])(\d{1,3})")


def find_timecode(origin: InputContainer, pictures: VideoStream) -> str:
    """Return the timecode of a file's first frame; "" if it has none."""
    others = [stream for stream in origin.streams if stream.type == "data"]
    tags = [pictures.metadata, *(stream.metadata for stream in others), origin.metadata]
    found = (text for each in tags for name, text in each.items() if name.lower() == "timecode")
    return next((text for text in found if _PATTERN.fullmatch(text)), "")


def is_timecode(stream: Stream) -> bool:
    """Whether a data stream holds timecode only."""
    return any(name.lower() == "timecode" for name in stream.metadata)


def convert_timecode(text: str, before: Fraction, after: Fraction) -> str:
    """Convert the timecode of a frame to another frame rate.

    Args:
        text: "hh:mm:ss:ff"; the last separator is ";" or "." for drop-frame timecode.
        before, after: frames per second.

    Returns:
        The same time; "" if the rate has no timecode, or the text is not one.
    """
    match = _PATTERN.fullmatch(text)
    old, new = round(before), round(after)
    if match is None or not 0 < new <= _MAX_RATE or old < 1:
        return ""
    hours, minutes, seconds, mark, frames = match.groups()
    drops = mark != ":" and new % _DROP_RATE == 0 and after.denominator != 1
    frame = min(int(frames) * new // old, new - 1)
    return f"{hours}:{minutes}:{seconds}{';' if drops else ':'}{frame:02d}"
