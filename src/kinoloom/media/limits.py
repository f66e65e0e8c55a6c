"""Limits on what files declare: the size of pictures, and times and rates.

A small file can declare any size or time. Sizes are checked before anything is decoded, and passed
to FFmpeg, whose decoders check each frame. Times and rates are checked when a file is opened, so
that no output is started, and no file is blamed that cannot store them.

Sources: GIF89a 18; PNG specification, third edition, 11.2.1; WebP container specification (VP8X);
RFC 6386 9.1 (VP8); WebP lossless bitstream specification 3 (VP8L).
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

from kinoloom.errors import UnsupportedMediaError

PIXEL_LIMIT = 160_000_000
"""The most pixels of a photo or a frame (16000x10000)."""
DECODER_OPTIONS = {"max_pixels": str(PIXEL_LIMIT), "threads": "1"}
"""Options of every FFmpeg decoder.

With several threads the pictures of a damaged file depend on their number, and for some codecs
differ from run to run (docs/decisions/0044).
"""
_STRICT_DECODERS = ("amv", "jpegls", "mjpeg")
"""These return pictures whose data ends early without an error unless they are strict."""
SIZE_HINT = "Reduce its size first."
MAX_RATE = 10_000
"""The most frames per second of a video."""
MAX_FRAME_S = 3600
"""The longest time that a frame is shown."""
MAX_DURATION_S = 7 * 24 * 3600
"""The longest video, and the latest start of its pictures or sound after the other."""
SAMPLE_RATES_HZ = range(1_000, 768_001)
"""Sample rates of sound; other tracks are left out."""
TIME_HINT = "Its times may be damaged; convert it to a usual frame rate first."
_HEAD_BYTES = 30


def choose_decoder_options(decoder: str) -> dict[str, str]:
    """Return the options of a decoder of pictures, given FFmpeg's name for it."""
    strict = {"err_detect": "explode"} if decoder in _STRICT_DECODERS else {}
    return {**DECODER_OPTIONS, **strict}


def describe_excess(width: int, height: int) -> str:
    """Return how a size exceeds `PIXEL_LIMIT`, as a phrase about "it"; "" if it does not."""
    if width * height <= PIXEL_LIMIT:
        return ""
    return f"it has {width}x{height} pixels, more than {PIXEL_LIMIT}"


def check_size(path: Path, width: int, height: int) -> None:
    """Check the declared size of a video.

    Raises:
        UnsupportedMediaError: it exceeds `PIXEL_LIMIT`.
    """
    if excess := describe_excess(width, height):
        raise UnsupportedMediaError(f"{path} cannot be used: {excess}.", hint=SIZE_HINT)


def check_times(
    path: Path, frame_times: Sequence[Fraction], rate: Fraction | None, end: Fraction | None
) -> None:
    """Check the times and the rate of a video.

    Args:
        path: the video.
        frame_times: of its first frames in order, in seconds after the start of the file.
        rate: frames per second, declared or found; None if it varies.
        end: when the last frame ends, in seconds after the start of the file; None if unknown.

    Raises:
        UnsupportedMediaError: they are beyond `MAX_RATE`, `MAX_FRAME_S` or `MAX_DURATION_S`.
    """
    span = frame_times[-1] - frame_times[0]
    if rate is None and span > 0:
        rate = (len(frame_times) - 1) / span
    if rate is not None and rate > MAX_RATE:
        raise _times_error(path, f"it has {format_number(rate)} frames per second", f"{MAX_RATE}")
    longest = max([b - a for a, b in pairwise(frame_times)], default=Fraction(0))
    if rate:
        longest = max(longest, 1 / rate)
    if longest > MAX_FRAME_S:
        raise _times_error(
            path, f"a frame lasts {format_number(longest)} s", f"{MAX_FRAME_S} s (an hour)"
        )
    latest = max(frame_times[-1], end or Fraction(0))
    if latest > MAX_DURATION_S:
        raise _times_error(
            path, f"it ends after {format_number(latest)} s", f"{MAX_DURATION_S} s (a week)"
        )


def format_number(value: Fraction) -> str:
    """Format a number for an error: up to six digits, with a power of ten if it is large."""
    return f"{float(value):.6g}"


def _times_error(path: Path, fact: str, limit: str) -> UnsupportedMediaError:
    return UnsupportedMediaError(
        f"{path} cannot be used: {fact}, and at most {limit} are supported.", hint=TIME_HINT
    )


def check_animation_size(path: Path) -> tuple[int, int]:
    """Return the canvas of an animated picture, which its decoder allocates on opening.

    Returns:
        Width and height; (0, 0) for another kind of file.

    Raises:
        UnsupportedMediaError: it exceeds `PIXEL_LIMIT`.
    """
    with path.open("rb") as file:
        canvas = read_canvas(file.read(_HEAD_BYTES))
    check_size(path, *canvas)
    return canvas


def read_canvas(head: bytes) -> tuple[int, int]:
    """Return width and height that a GIF, PNG or WebP file declares; (0, 0) for others.

    Args:
        head: the first 30 bytes of the file or more.
    """
    if head[:4] == b"GIF8":
        return _little(head[6:8]), _little(head[8:10])
    if head[:4] == b"\x89PNG":
        return int.from_bytes(head[16:20], "big"), int.from_bytes(head[20:24], "big")
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return _read_webp_canvas(head[12:16], head)
    return 0, 0


def _read_webp_canvas(kind: bytes, head: bytes) -> tuple[int, int]:
    """Return the size in the first chunk, whose content starts at byte 20."""
    if kind == b"VP8X":
        return _little(head[24:27]) + 1, _little(head[27:30]) + 1
    if kind == b"VP8L":
        return (_little(head[21:23]) & 0x3FFF) + 1, (_little(head[22:25]) >> 6 & 0x3FFF) + 1
    return _little(head[26:28]) & 0x3FFF, _little(head[28:30]) & 0x3FFF


def _little(data: bytes) -> int:
    return int.from_bytes(data, "little")
