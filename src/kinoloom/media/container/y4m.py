"""Write a clip as YUV4MPEG2 (y4m) to standard output, for another program in a pipe.

Uncompressed planar YUV or grey, one rate, no sound. Sources keep their chroma steps and depth.

Source: the format's description in mjpegtools, yuv4mpeg(5), and the names of colour spaces of
FFmpeg's yuv4mpegpipe.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Generator, Iterator
from contextlib import closing
from itertools import chain, repeat
from typing import BinaryIO

import av

from kinoloom.base.clip import Clip, Frame
from kinoloom.base.files import Progress
from kinoloom.errors import OutputError, UsageError
from kinoloom.media.video.codecs import CODECS
from kinoloom.media.video.encoding import prepare_frame
from kinoloom.media.video.frame_feed import DEFAULT_RATE, display_duration, feed, read_first_frame
from kinoloom.media.video.plan import Plan, choose_color, find_native_format
from kinoloom.media.video.planes import find_layout, split_planes
from kinoloom.media.write_options import WriteOptions, WrittenClip

_SPACES = {
    "yuv420p": "420mpeg2",
    "yuv422p": "422",
    "yuv444p": "444",
    "yuv420p10le": "420p10",
    "yuv422p10le": "422p10",
    "yuv444p10le": "444p10",
    "gray": "mono",
}
"""Colour spaces of y4m by FFmpeg's pixel formats."""


def write_y4m(clip: Clip, options: WriteOptions, progress: Progress) -> WrittenClip:
    """Write a clip to standard output.

    Args:
        clip: a video of one rate.
        options: none apply.
        progress: called after each frame.

    Raises:
        UsageError: standard output is a terminal; a codec, quality or resume; photos, or a variable
            rate.
        OutputError: the other program has ended.
    """
    _check(clip, options)
    stream = sys.stdout.buffer
    first = read_first_frame(clip)
    layout = _plan(clip, first)
    count, last = 0, first
    try:
        stream.write(_header(clip, layout))
        with feed(clip, progress) as frames, closing(_time(clip, frames)) as timed:
            for last in timed:
                _write_frame(stream, prepare_frame(last, layout))
                count += 1
        stream.flush()
    except BrokenPipeError as error:
        sys.stdout = None  # Python would flush it at the end, and report the same again
        raise OutputError("The program that reads the pipe has ended.") from error
    end = last.time + display_duration(last, clip.rate)
    return WrittenClip(count, end - first.time, layout.width, layout.height, "y4m", recorded=True)


def _check(clip: Clip, options: WriteOptions) -> None:
    if options.codec != "auto" or options.quality is not None or options.resume:
        raise UsageError(
            "A pipe has no --codec, --quality or --resume.", hint="Name a file such as out.mkv."
        )
    if clip.stills or clip.rate is None:
        what = "photos" if clip.stills else "video with a variable frame rate"
        raise UsageError(
            f"A pipe (y4m) cannot carry {what}.",
            hint="Name a file, or for a video add --fps.",
        )
    if sys.stdout.isatty():
        raise UsageError(
            "Standard output is a terminal.",
            hint="Pipe it into another program, such as: kinoloom ... -o - | ffplay -",
        )
    if clip.audio:
        clip.notes.add("sound", "A pipe (y4m) carries no sound; it is left out.", "warning")


def _plan(clip: Clip, first: Frame) -> Plan:
    """Return how the pictures are stored: like those of the source, as far as y4m can."""
    native = find_native_format(first.native)
    pix_fmt = native if native in _SPACES else _choose_format(clip)
    codec = CODECS["ffv1"]
    color = choose_color(clip.color, pix_fmt, codec)
    return Plan(
        codec,
        pix_fmt,
        alpha=False,
        width=clip.width,
        height=clip.height,
        rate=clip.rate or DEFAULT_RATE,
        constant=True,
        color=color,
        pixel_aspect=clip.pixel_aspect,
        source_color=clip.color,
        takes_native=color == clip.color,
        settings={},
        threads=1,
    )


def _choose_format(clip: Clip) -> str:
    is_odd = clip.width % 2 or clip.height % 2
    steps = {(2, 2): "420", (2, 1): "422"}.get(clip.chroma or (1, 1), "444")
    return f"yuv{'444' if is_odd else steps}p{'10le' if clip.bits > 8 else ''}"


def _header(clip: Clip, layout: Plan) -> bytes:
    """Return the line that begins the stream."""
    aspect, space = layout.pixel_aspect, _SPACES[layout.pix_fmt]
    words = [
        "YUV4MPEG2",
        f"W{layout.width}",
        f"H{layout.height}",
        f"F{layout.rate.numerator}:{layout.rate.denominator}",
        "Ip",
        f"A{aspect.numerator}:{aspect.denominator}",
        f"C{space}",
        f"XCOLORRANGE={'FULL' if layout.color.full_range else 'LIMITED'}",
    ]
    return " ".join(words).encode("ascii") + b"\n"


def _write_frame(stream: BinaryIO, frame: av.VideoFrame) -> None:
    stream.write(b"FRAME\n")
    for plane in split_planes(frame, find_layout(frame.format.name)):
        stream.write(plane.tobytes())


def _time(clip: Clip, frames: Iterator[Frame]) -> Generator[Frame, None, None]:
    """Yield frames, and report to the clip how long each but the first was waited for."""
    for is_first in chain([True], repeat(False)):
        begun = time.monotonic()
        frame = next(frames, None)
        if frame is None:
            return
        if clip.pacing is not None and not is_first:
            waited = time.monotonic() - begun
            clip.pacing.add(waited, display_duration(frame, clip.rate))
        yield frame
