"""Estimates of the memory that decoders, encoders and waiting frames need.

In: sizes and formats that files declare. Out: bytes, for a `base.budget.Budget`. The figures are
peaks of the resident memory beyond the libraries', measured with FFmpeg 8.1 on films of noise, 128
to 2073 thousand pixels, with 2, 8 and 16 threads, and rounded up.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from pathlib import Path
from typing import Any

import av
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream

from kinoloom.base.budget import Budget
from kinoloom.base.clip import Clip, Frame
from kinoloom.base.machine import cores
from kinoloom.media.deinterlacing.stream import CONTEXT_FRAMES
from kinoloom.media.video.codecs import ANIMATED, CODECS, VIDEO, Codec
from kinoloom.media.video.plan import Plan

_MAX_DECODER_THREADS = 16
_FIXED_DECODER_BYTES = 12_000_000
_BYTES_PER_DECODER_THREAD = 600_000
_HELD_FRAMES = {"h264": 20, "hevc": 20, "vvc": 20, "av1": 20, "libdav1d": 20, "vp9": 12}
"""Frames that decoders hold to reorder and to predict from them."""
_FEW_HELD_FRAMES = 4
"""The same for all others."""
_HELD_FRAMES_PER_THREAD = 2.2
_CONVERSIONS = 8
"""Copies of a picture while it is converted from the decoder's format, in RGB pictures."""
_WAITING_FRAMES = 12
"""Frames that wait between two threads, and those in which cuts and repeats are looked for."""
_UNKNOWN_FORMAT_BYTES = 4.0
_PHOTO_BYTES_PER_PIXEL = {False: 24, True: 36}
"""For pictures of 8 bits, and of more."""
_EDITED_BYTES_PER_PIXEL = {False: 10, True: 20}
"""The same for photos that stay in their own colours; writing them back needs about as much."""
_PHOTO_FILE_COPIES = 4
_FIXED_PHOTO_BYTES = 8_000_000
_ROWS_PER_THREAD = 32


@dataclass(frozen=True)
class _Encoder:
    """What an encoder needs: fixed, by pixel, by pixel and thread, by pixel and frame.

    With alpha, `alpha_factor` times as much by pixel.
    """

    fixed_bytes: int
    per_pixel: float
    per_thread: float = 0
    per_frame: float = 0
    alpha_factor: float = 1


_ENCODERS = {
    "h264": _Encoder(20_000_000, 235, 3),
    "h265": _Encoder(45_000_000, 235, 16),
    "av1": _Encoder(45_000_000, 480, 25),
    "vp9": _Encoder(30_000_000, 180, 12, alpha_factor=2),
    "prores": _Encoder(10_000_000, 45, alpha_factor=2),
    "ffv1": _Encoder(8_000_000, 115),
    "gif": _Encoder(200_000_000, 200),  # counts all colours of the film for its palette
    "webp": _Encoder(40_000_000, 80, per_frame=4.2),  # holds the file until it is complete
    "apng": _Encoder(8_000_000, 60),
    "png": _Encoder(10_000_000, 45),
}
_DEEP_FACTOR = 1.6
"""Pictures of more than 8 bits against those of 8."""


def estimate_decoding(context: VideoCodecContext) -> int:
    """Return the bytes that reading a video needs, with the frames that wait for their use.

    Args:
        context: the decoder; its size and format are those that the file declares.
    """
    pixels = context.width * context.height
    form = av.VideoFormat(context.pix_fmt) if context.pix_fmt else None
    stored = form.padded_bits_per_pixel / 8 if form else _UNKNOWN_FORMAT_BYTES
    picture = _picture_bytes(is_deep=_count_bits(context) > 8)
    threads = min(cores() + 1, _MAX_DECODER_THREADS)
    held = _HELD_FRAMES.get(context.name, _FEW_HELD_FRAMES) + _HELD_FRAMES_PER_THREAD * threads
    per_pixel = stored * (held + _WAITING_FRAMES) + picture * (_CONVERSIONS + _WAITING_FRAMES)
    fixed = _FIXED_DECODER_BYTES + _BYTES_PER_DECODER_THREAD * threads
    return fixed + ceil(pixels * per_pixel)


def estimate_deinterlacing(pix_fmt: str, width: int, height: int) -> int:
    """Return the bytes of the frames that are held while video with fields is read."""
    stored = av.VideoFormat(pix_fmt).padded_bits_per_pixel / 8
    return ceil(CONTEXT_FRAMES * stored * width * height)


def estimate_animation(width: int, height: int, file_bytes: int) -> int:
    """Return the bytes that reading an animation with Pillow needs, with waiting frames."""
    per_pixel = 4 * (_CONVERSIONS + _WAITING_FRAMES)
    return _FIXED_DECODER_BYTES + file_bytes + width * height * per_pixel


def refuse_to_read(
    path: Path, size: tuple[int, int], needed: int, budget: Budget | None, **facts: Any
) -> Clip | None:
    """Return a clip that reads nothing if reading alone exceeds a memory limit, else None.

    The job that asks for its frames gets the error, when the needs of all parts are known.

    Args:
        path: the file.
        size: width and height that it declares.
        needed: estimate of the bytes that reading needs.
        budget: the memory budget of the job; None for no limit.
        **facts: fields of the clip that are known: its rate and duration.
    """
    if budget is None or not budget.is_enforced or needed <= budget.limit_bytes:
        return None

    def refuse(start: Fraction) -> Iterator[Frame]:
        budget.require("reading", f"to read {path.name}", needed)
        budget.check()
        raise AssertionError("the limit is exceeded")

    width, height = size
    known = {"width": width, "height": height, "files": (path,), **facts}
    return Clip(refuse, reading_bytes=needed, budget=budget, **known)


def refuse_to_decode(
    path: Path, stream: VideoStream, duration: Fraction | None, needed: int, budget: Budget | None
) -> Clip | None:
    """Return a clip as `refuse_to_read`, with what a stream declares, or None.

    Args:
        path: the file.
        stream: its pictures.
        duration: in seconds; None if unknown.
        needed: estimate of the bytes that reading needs.
        budget: the memory budget of the job; None for no limit.
    """
    coded = stream.codec_context
    facts = {"rate": stream.average_rate, "duration": duration, "bits": _count_bits(coded)}
    return refuse_to_read(path, (coded.width, coded.height), needed, budget, **facts)


def estimate_photo(width: int, height: int, file_bytes: int, bits: int) -> int:
    """Return the bytes that decoding a photo needs, with its file and its conversion to sRGB."""
    content = _PHOTO_FILE_COPIES * file_bytes
    return _FIXED_PHOTO_BYTES + content + _PHOTO_BYTES_PER_PIXEL[bits > 8] * width * height


def estimate_editing(width: int, height: int, file_bytes: int, bits: int) -> int:
    """Return the bytes that decoding a photo needs that stays in its own colours, with its file."""
    per_pixel = _EDITED_BYTES_PER_PIXEL[bits > 8]
    return _FIXED_PHOTO_BYTES + _PHOTO_FILE_COPIES * file_bytes + per_pixel * width * height


def estimate_encoding(
    codec: str,
    width: int,
    height: int,
    bits: int = 8,
    frames: int | None = None,
    *,
    alpha: bool = False,
) -> int:
    """Return the bytes that encoding needs, with the few frames that wait for it.

    Args:
        codec: a name in `codecs.CODECS`, or "png" for a folder of pictures.
        width, height: of the pictures, in pixels.
        bits: per sample of the pictures.
        frames: their number; None if unknown.
        alpha: whether an alpha channel is stored.
    """
    encoder = _ENCODERS[codec]
    threads = min(cores(), max(1, height // _ROWS_PER_THREAD))
    per_pixel = encoder.per_pixel + encoder.per_thread * threads
    per_pixel *= (_DEEP_FACTOR if bits > 8 else 1) * (encoder.alpha_factor if alpha else 1)
    per_pixel += encoder.per_frame * (frames or 0)
    return encoder.fixed_bytes + ceil(width * height * per_pixel)


def check_encoding(clip: Clip, plan: Plan) -> None:
    """Check the memory budget of a clip when it is known how its pictures are stored.

    Raises:
        BudgetError: the parts of the job do not fit the limit of the user.
    """
    if clip.budget is None:
        return
    needed = estimate_encoding(
        plan.codec.name, plan.width, plan.height, clip.bits, clip.frame_count, alpha=plan.alpha
    )
    clip.budget.require("writing", f"to write {plan.codec.name}", needed)
    clip.budget.check()


def choose_likely_codec(suffix: str, codec: str, bits: int) -> str:
    """Return the codec that `plan` chooses for opaque pictures.

    Args:
        suffix: of the output; "" for a folder of PNG files.
        codec: as passed to `--codec`.
        bits: per sample of the pictures.
    """
    container = (VIDEO | ANIMATED).get(suffix)
    if container is None:
        return "png"
    if codec in CODECS:
        return codec
    return next((name for name in container.codecs if _suits(CODECS[name], bits)), "h264")


def _count_bits(context: VideoCodecContext) -> int:
    """Return the bits per sample that a stream declares, 8 if unknown."""
    if context.pix_fmt is None:
        return 8
    return max(part.bits for part in av.VideoFormat(context.pix_fmt).components)


def _suits(codec: Codec, bits: int) -> bool:
    return (bits > 8, False) in codec.formats


def _picture_bytes(*, is_deep: bool) -> int:
    """Return the bytes of a pixel of an RGB picture."""
    return 6 if is_deep else 3
