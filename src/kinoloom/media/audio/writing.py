"""Write sound to a file: copy packets if possible, else encode samples.

In: a track of a clip. Out: a stream in the output, and its packets in order of time.

Conventions: starts are exact to half a sample; ends are not trimmed. Copied sound may start with
priming samples that players must drop. Matroska can mark them only in packets that come from
Matroska; from other formats it keeps them, and FFmpeg delays all streams of the file together by
their length, below 0.05 s.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from fractions import Fraction
from typing import cast

import av
import numpy as np
from av.audio.codeccontext import AudioCodecContext
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import OutputContainer

from kinoloom.base.audio import Audio
from kinoloom.base.notes import Notes
from kinoloom.media.container.inputs import find_start, open_input
from kinoloom.media.container.packets import TimedPacket, add_stream_like, copy_packets, stamp
from kinoloom.media.video.codecs import Container

_LOSSY = ("aac", "libopus")
_BITS_PER_SECOND = 96_000  # of lossy sound, per channel
_DEFAULT_HZ = 48_000
_LAYOUT_ALIASES = {
    "5.1(side)": "5.1",
    "5.0(side)": "5.0",
    "quad(side)": "quad",
    "downmix": "stereo",
}
"""Names of equivalent layouts that lossy codecs support."""


def add_sound(
    out: OutputContainer,
    audio: Audio,
    container: Container,
    encoder: str,
    notes: Notes,
    stack: ExitStack,
) -> Iterator[TimedPacket]:
    """Add a sound track to `out`, before its first packet.

    Args:
        out: the output.
        audio: the track.
        container: the format of `out`.
        encoder: for sound that cannot be copied.
        notes: gets a note if channels are mixed.
        stack: closes the input file after the packets are consumed.

    Returns:
        The packets, in order of time.
    """
    if audio.origin is not None:
        path, index = audio.origin
        source = stack.enter_context(open_input(path))
        template = source.streams[index]
        codec = template.codec_context.codec
        if codec.name in out.supported_codecs and container.holds_sound(codec.canonical_name):
            shift = audio.start - (find_start(template) or 0)
            stream = add_stream_like(out, template)
            return copy_packets(
                source, template, stream, audio.rate_hz, lambda time: time + shift, notes
            )
    if encoder in _LOSSY:
        audio = replace(audio, layout=_LAYOUT_ALIASES.get(audio.layout, audio.layout))
    return _encode(_add_encoder(out, audio, encoder, notes), audio)


def _add_encoder(out: OutputContainer, audio: Audio, encoder: str, notes: Notes) -> AudioStream:
    rates = av.Codec(encoder, "w").audio_rates
    rate = audio.rate_hz if rates is None or audio.rate_hz in rates else _DEFAULT_HZ
    layout = audio.layout if _is_layout_supported(encoder, rate, audio.layout) else "stereo"
    if layout != audio.layout:
        notes.add(
            "sound",
            f"Sound of {audio.channels} channels ({audio.layout}) is mixed down to stereo, because "
            f"{encoder} does not support it.",
            "warning",
        )
    stream = cast(AudioStream, out.add_stream(encoder, rate=rate, layout=layout))
    if encoder in _LOSSY:
        stream.codec_context.bit_rate = _BITS_PER_SECOND * stream.codec_context.channels
    else:
        stream.codec_context.format = "s32"  # 24 of the bits are stored
    if audio.language:
        stream.metadata["language"] = audio.language
    return stream


def _is_layout_supported(encoder: str, rate: int, layout: str) -> bool:
    """Whether an encoder supports a channel layout; the only way to know is to open it."""
    context = cast(AudioCodecContext, av.CodecContext.create(encoder, "w"))
    context.sample_rate, context.layout = rate, layout
    context.format = (context.codec.audio_formats or [])[0]
    try:
        context.open()
    except av.FFmpegError:
        return False
    return True


def _encode(stream: AudioStream, audio: Audio) -> Iterator[TimedPacket]:
    for frame in _to_frames(audio):
        for packet in stream.encode(frame):
            begin = (packet.pts or 0) * packet.time_base + audio.start
            end = begin + (packet.duration or 0) * packet.time_base
            yield begin, stamp(packet, stream, begin, end, stream.codec_context.rate)


def _to_frames(audio: Audio) -> Iterator[AudioFrame | None]:
    """Yield the samples as FFmpeg's frames, then None."""
    position = 0
    for block in audio.read():
        packed = np.ascontiguousarray(block).reshape(1, -1)
        frame = AudioFrame.from_ndarray(packed, "flt", audio.layout)
        frame.sample_rate, frame.pts = audio.rate_hz, position
        frame.time_base = Fraction(1, audio.rate_hz)
        position += len(block)
        yield frame
    yield None
