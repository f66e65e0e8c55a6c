"""Decode the pictures of a file once: seeking, and resilience to damage.

In: a stream of an open file, and where to start. Out: FFmpeg's frames; errors are reported to a
listener, and decoding continues.

Conventions: after a seek, decoding starts at a key frame; the decoder drops frames that depend on
frames before it. A damaged frame of a codec without prediction between frames is left out: FFmpeg
leaves its missing part as it was in memory, so it would differ from run to run.
"""

from __future__ import annotations

from collections import deque
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

from kinoloom.media.container.restarts import demux_continuous
from kinoloom.media.limits import DECODER_OPTIONS

ErrorListener = Callable[[str], None]
"""Called with FFmpeg's message when something cannot be read."""

_ALPHA_DECODERS = {"vp8": "libvpx", "vp9": "libvpx-vp9"}


def open_decoder(stream: VideoStream) -> VideoCodecContext:
    """Return the decoder of a stream.

    WebM stores the alpha of VP8 and VP9 in side data that only libvpx decodes.
    """
    context = stream.codec_context
    name = _ALPHA_DECODERS.get(context.name)
    if name is None or stream.metadata.get("alpha_mode") != "1":
        return context
    decoder = cast(VideoCodecContext, av.CodecContext.create(name, "r"))
    decoder.options = dict(DECODER_OPTIONS)
    decoder.color_primaries, decoder.color_trc = context.color_primaries, context.color_trc
    decoder.colorspace, decoder.color_range = context.colorspace, context.color_range
    return decoder


def read_packets(
    container: InputContainer,
    stream: VideoStream,
    on_error: ErrorListener,
    *,
    seek: int | None = None,
) -> Iterator[Packet[VideoStream]]:
    """Yield the packets of a stream; the last one is empty and flushes the decoder.

    Args:
        container: an open file from which nothing was read yet.
        stream: a stream of the container.
        on_error: called if reading fails before the end.
        seek: start at the last key frame at or before this time, in ticks, as far as the file's
            index is correct; None starts at the beginning. If seeking fails, nothing is yielded.
    """
    if seek is not None:
        try:
            container.seek(seek, stream=stream)
        except av.FFmpegError:
            return
    try:
        yield from demux_continuous(container, stream)
    except MemoryError:  # also one of FFmpeg's; what does not fit is not damaged
        raise
    except av.FFmpegError as error:
        on_error(str(error.strerror))


def prime_decoder(
    decoder: VideoCodecContext, container: InputContainer, stream: VideoStream
) -> None:
    """Show an H.264 decoder the first packet of a file before a seek.

    Only the first packet names the encoder's version. x264 before build 151 deviated from the
    standard for 4:4:4 pictures, and FFmpeg compensates once it has seen the version.

    Args:
        decoder: a decoder from `open_decoder`; flushed afterwards.
        container: an open file from which nothing was read yet.
        stream: a stream of the container.
    """
    if decoder.name != "h264":
        return
    with suppress(av.FFmpegError):  # damage here does not affect what is decoded after the seek
        decoder.decode(next(container.demux(stream), None))
    decoder.flush_buffers()


def decode(
    decoder: VideoCodecContext,
    source: Iterable[Packet[VideoStream]],
    on_error: ErrorListener,
    *,
    from_key: bool = False,
    on_loss: Callable[[], None] = lambda: None,
) -> Iterator[VideoFrame]:
    """Yield the frames of packets, in display order.

    Args:
        decoder: a decoder from `open_decoder`.
        source: packets from `read_packets`.
        on_error: called for each packet that cannot be decoded; the next packet is tried.
        from_key: drop packets before the first key frame, as is necessary after a seek.
        on_loss: called for each packet whose frame is left out.

    Raises:
        MemoryError: a frame does not fit into memory.
    """
    if from_key:
        source = dropwhile(lambda packet: not packet.is_keyframe, source)
    predicts, lost = not decoder.codec.intra_only, False
    for packet in source:
        if packet.is_corrupt:
            on_error("a packet is incomplete")
        if lost and not predicts:
            _restart(decoder, packet)
        lost = False
        try:
            for frame in decoder.decode(packet):
                if predicts or not frame.is_corrupt:
                    yield frame
                    continue
                on_error("a picture is incomplete")
                on_loss()
        except av.EOFError:
            continue
        except MemoryError:
            raise
        except av.FFmpegError as error:
            lost = True
            on_error(str(error.strerror))
            on_loss()


def decode_untimed(
    decoder: VideoCodecContext, source: Iterable[Packet[VideoStream]], on_error: ErrorListener
) -> Iterator[VideoFrame]:
    """Yield decoded frames with the decoding times of their packets as display times.

    Args:
        decoder, source, on_error: as `decode`.

    Raises:
        MemoryError: a frame does not fit into memory.
    """
    times: deque[int | None] = deque()

    def watched() -> Iterator[Packet[VideoStream]]:
        for packet in source:
            times.append(packet.dts)
            yield packet

    def drop_time() -> None:
        if times:
            times.pop()

    for frame in decode(decoder, watched(), on_error, on_loss=drop_time):
        frame.pts = times.popleft() if times else None
        yield frame


def _restart(decoder: VideoCodecContext, packet: Packet[VideoStream]) -> None:
    """Decode the packet after a lost frame once in vain.

    A frame of two fields that fails leaves the decoder between them; it would join the second field
    of the next frame to the first of the one after it.
    """
    with suppress(av.FFmpegError):
        list(decoder.decode(packet))
