"""One pass of decoding over the pictures of a file: seeking and damage.

In: a stream of an open file, and from where on. Out: FFmpeg's frames, whatever the state of the
file; what cannot be read is told to a listener.

Conventions: a pass from within the file begins with a key frame; the decoder leaves out by itself
what is stored after that but refers to frames before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from itertools import dropwhile
from typing import cast

import av
from av.container import InputContainer
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

Trouble = Callable[[str], None]
"""Called with FFmpeg's words when something cannot be read."""

_ALPHA_DECODERS = {"vp8": "libvpx", "vp9": "libvpx-vp9"}


def decoder_of(stream: VideoStream) -> VideoCodecContext:
    """The decoder of a stream.

    WebM keeps the alpha of VP8 and VP9 beside the pictures, where only libvpx's decoders look.
    """
    context = stream.codec_context
    name = _ALPHA_DECODERS.get(context.name)
    if name is None or stream.metadata.get("alpha_mode") != "1":
        return context
    decoder = cast(VideoCodecContext, av.CodecContext.create(name, "r"))
    decoder.color_primaries, decoder.color_trc = context.color_primaries, context.color_trc
    decoder.colorspace, decoder.color_range = context.colorspace, context.color_range
    return decoder


def packets(
    container: InputContainer, stream: VideoStream, trouble: Trouble, *, seek: int | None = None
) -> Iterator[Packet[VideoStream]]:
    """The packets of a stream to its end, the last one empty: it flushes the decoder.

    Args:
        container: not yet read.
        stream: of the container.
        trouble: told when the file cannot be read on.
        seek: go to the last key frame at or before this time in ticks, as far as the file's index
            is right; None for the beginning. There are no packets where that is not possible.
    """
    if seek is not None:
        try:
            container.seek(seek, stream=stream)
        except av.FFmpegError:
            return
    try:
        yield from container.demux(stream)
    except av.FFmpegError as error:
        trouble(str(error.strerror))


def acquaint(decoder: VideoCodecContext, container: InputContainer, stream: VideoStream) -> None:
    """Let a decoder of H.264 see who encoded a file, before it begins elsewhere than there.

    x264 says in the first packet alone which version it is. Those before build 151 stored 4:4:4
    pictures otherwise than the standard has it; FFmpeg reads them rightly when it has seen that.

    Args:
        decoder: see `decoder_of`; it is then as new.
        container: not yet read; to be sought in next.
        stream: of the container.
    """
    if decoder.name != "h264":
        return
    with suppress(av.FFmpegError):  # damage there is none of what is read from elsewhere on
        decoder.decode(next(container.demux(stream), None))
    decoder.flush_buffers()


def decoded(
    decoder: VideoCodecContext,
    source: Iterable[Packet[VideoStream]],
    trouble: Trouble,
    *,
    from_key: bool = False,
) -> Iterator[VideoFrame]:
    """The frames of packets, in the order shown.

    Args:
        decoder: see `decoder_of`.
        source: see `packets`.
        trouble: told of each packet that cannot be decoded; the next one is tried.
        from_key: leave out what comes before the first key frame, as is right after seeking.
    """
    if from_key:
        source = dropwhile(lambda packet: not packet.is_keyframe, source)
    for packet in source:
        if packet.is_corrupt:
            trouble("a packet is incomplete")
        try:
            yield from decoder.decode(packet)
        except av.EOFError:
            continue
        except av.FFmpegError as error:
            trouble(str(error.strerror))
