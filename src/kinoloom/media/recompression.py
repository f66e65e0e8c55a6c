"""Recompression: pictures through a real video codec and back, in memory.

In: pictures of one size. Out: the same number of pictures, as a viewer of the compressed video sees
them. Nothing is written: the packets of the encoder go to the decoder.

Conventions: 4:2:0 chroma with 8 bits. Every call begins with a key frame. Encoders run in one
thread, so that the result does not depend on the machine's cores. Pictures that are too small or of
odd size are extended by their edges for the codec.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import cast

import av
import numpy as np
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from kinoloom.base.arrays import Picture
from kinoloom.base.clip import Color
from kinoloom.base.clip.color import BT709
from kinoloom.errors import UnsupportedMediaError
from kinoloom.media.video.color import to_native, to_picture
from kinoloom.media.video.scheduling import keep_scheduling

_PIX_FMT = "yuv420p"
_MIN_BITS_PER_S = 8000
"""Below this, rate controls fail."""
_STILL_RATE = Fraction(25)
_KEY_FRAME_SHARE = 4
"""A key frame has this many times the bits of the mean frame."""


@dataclass(frozen=True)
class _Coder:
    """A codec's encoder, its options, its decoder, and the smallest side in pixels."""

    encoder: str
    options: Mapping[str, str]
    decoder: str
    min_px: int = 16


_CODERS = {
    "h264": _Coder(
        "libx264", {"preset": "veryfast", "x264-params": "cpu-independent=1"}, decoder="h264"
    ),
    "h265": _Coder(
        "libx265",
        {"preset": "veryfast", "x265-params": "log-level=none:pools=none:frame-threads=1:ctu=32"},
        decoder="hevc",
        min_px=72,  # x265 4.1 reads and writes wrong memory where a block spans the picture
    ),
    "av1": _Coder(
        "libsvtav1", {"preset": "10", "svtav1-params": "lp=1"}, decoder="libdav1d", min_px=64
    ),
    "mpeg4": _Coder("mpeg4", {}, decoder="mpeg4"),
}
MAX_CRF = {"h264": 51, "h265": 51, "av1": 63, "mpeg4": 31}
"""The largest constant rate factor of each codec; for mpeg4, it is the quantiser."""


@dataclass(frozen=True)
class Compression:
    """How pictures are compressed.

    Attributes:
        codec: "h264", "h265", "av1" or "mpeg4".
        crf: constant rate factor, up to `MAX_CRF`; None for a bit rate.
        bits_per_pixel: mean size of a pixel in bits; None for a constant rate factor.
    """

    codec: str
    crf: int | None = None
    bits_per_pixel: float | None = None


def recompress_picture(picture: Picture, compression: Compression) -> Picture:
    """Compress one picture as a key frame and decompress it; see `recompress`.

    Raises:
        UnsupportedMediaError: as `recompress`.
    """
    bits = compression.bits_per_pixel
    if bits is not None:
        compression = replace(compression, bits_per_pixel=_KEY_FRAME_SHARE * bits)
    return next(recompress([picture], compression, _STILL_RATE))


def recompress(
    pictures: Iterable[Picture], compression: Compression, rate: Fraction, color: Color = BT709
) -> Iterator[Picture]:
    """Compress pictures and decompress them.

    Args:
        pictures: (H, W, 3) uint8, all of one size.
        compression: codec and quality.
        rate: frames per second, which determines the bit rate.
        color: colour description of the pictures.

    Yields:
        (H, W, 3) uint8, one per picture, in order.

    Raises:
        UnsupportedMediaError: the codec rejects the size or the settings.
    """
    coder = _CODERS[compression.codec]
    stored = replace(color, matrix=color.matrix or BT709.matrix, full_range=False)
    encoder, size = None, (0, 0)
    decoder = cast(VideoCodecContext, av.CodecContext.create(coder.decoder, "r"))
    decoder.thread_count = 1
    for count, picture in enumerate(pictures):
        if encoder is None:
            size = picture.shape[0], picture.shape[1]
            encoder = _open_encoder(coder, compression, _find_coded_size(size, coder), rate)
        padded = _pad(picture, encoder.height, encoder.width)
        native = to_native(padded, _PIX_FMT, stored)
        native.pts, native.time_base = count, encoder.time_base
        for decoded in _decode(decoder, encoder.encode(native)):
            yield _crop(decoded, size, stored)
    if encoder is not None:
        for decoded in _decode(decoder, [*encoder.encode(None), None]):
            yield _crop(decoded, size, stored)


def _open_encoder(
    coder: _Coder, compression: Compression, size: tuple[int, int], rate: Fraction
) -> VideoCodecContext:
    os.environ.setdefault("SVT_LOG", "1")  # SVT-AV1 logs to stderr; errors only
    encoder = cast(VideoCodecContext, av.CodecContext.create(coder.encoder, "w"))
    encoder.height, encoder.width = size
    encoder.pix_fmt, encoder.time_base, encoder.framerate = _PIX_FMT, 1 / rate, rate
    encoder.thread_count = 1
    options = dict(coder.options)
    if compression.crf is None:
        bits = (compression.bits_per_pixel or 0) * size[0] * size[1] * float(rate)
        encoder.bit_rate = max(_MIN_BITS_PER_S, round(bits))
        encoder.bit_rate_tolerance = encoder.bit_rate
    elif coder.encoder == "mpeg4":
        quantiser = str(max(1, compression.crf))
        options |= {"flags": "+qscale", "qmin": quantiser, "qmax": quantiser}
        options["global_quality"] = str(max(1, compression.crf) * 118)  # FF_QP2LAMBDA
    else:
        options["crf"] = str(compression.crf)
    encoder.options = options
    try:
        with keep_scheduling():
            encoder.open()
    except av.FFmpegError as error:
        raise UnsupportedMediaError(
            f"The codec {compression.codec} rejects pictures of {size[1]}x{size[0]} pixels: "
            f"{error.strerror}."
        ) from error
    return encoder


def _decode(
    decoder: VideoCodecContext, packets: Iterable[Packet[VideoStream] | None]
) -> Iterator[VideoFrame]:
    for packet in packets:
        yield from decoder.decode(packet)


def _find_coded_size(size: tuple[int, int], coder: _Coder) -> tuple[int, int]:
    height, width = (max(side + side % 2, coder.min_px) for side in size)
    return height, width


def _pad(picture: Picture, height: int, width: int) -> Picture:
    extra = ((0, height - picture.shape[0]), (0, width - picture.shape[1]), (0, 0))
    return np.pad(picture, extra, mode="edge") if any(map(sum, extra)) else picture


def _crop(native: VideoFrame, size: tuple[int, int], color: Color) -> Picture:
    picture = to_picture(native, color)
    return np.ascontiguousarray(picture[: size[0], : size[1]])
