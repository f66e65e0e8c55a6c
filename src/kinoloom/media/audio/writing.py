"""Sound into a file: packets copied where they may be, else samples encoded.

In: a track of a clip. Out: a stream in the output and its packets in order of time.

Conventions: starts are kept to half a sample; ends are not cut. Copied sound may begin with samples
that are to be dropped. Matroska can say so only for packets that come from Matroska; of others it
keeps them, and FFmpeg moves all streams of the file later by their length, below 0.05 s, together.
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
from kinoloom.media.container.inputs import begin_of, open_input
from kinoloom.media.container.packets import Timed, add_like, copied, stamped
from kinoloom.media.video.codecs import Container

_LOSSY = ("aac", "libopus")
_BITS_PER_SECOND = 96_000  # of lossy sound, a channel
_USUAL_HZ = 48_000
_USUAL_LAYOUTS = {"5.1(side)": "5.1", "5.0(side)": "5.0", "quad(side)": "quad", "downmix": "stereo"}
"""Other names for the same loudspeakers, which lossy codecs know."""


def add_sound(
    out: OutputContainer,
    audio: Audio,
    container: Container,
    encoder: str,
    notes: Notes,
    stack: ExitStack,
) -> Iterator[Timed]:
    """Add a sound track to `out`, before its first packet.

    Args:
        out: the output.
        audio: the track.
        container: the kind of file that `out` is.
        encoder: for sound that cannot be copied.
        notes: told when channels have to be mixed.
        stack: closes the input file when the packets have been taken.

    Returns:
        The packets, in order of time.
    """
    if audio.origin is not None:
        path, index = audio.origin
        source = stack.enter_context(open_input(path))
        template = source.streams[index]
        codec = template.codec_context.codec
        if codec.name in out.supported_codecs and container.holds_sound(codec.canonical_name):
            shift = audio.start - (begin_of(template) or 0)
            stream = add_like(out, template)
            return copied(source, template, stream, audio.rate_hz, lambda time: time + shift)
    if encoder in _LOSSY:
        audio = replace(audio, layout=_USUAL_LAYOUTS.get(audio.layout, audio.layout))
    return _encoded(_encoding_stream(out, audio, encoder, notes), audio)


def _encoding_stream(out: OutputContainer, audio: Audio, encoder: str, notes: Notes) -> AudioStream:
    rates = av.Codec(encoder, "w").audio_rates
    rate = audio.rate_hz if rates is None or audio.rate_hz in rates else _USUAL_HZ
    layout = audio.layout if _takes(encoder, rate, audio.layout) else "stereo"
    if layout != audio.layout:
        notes.add(
            "sound",
            f"Sound of {audio.channels} channels ({audio.layout}) is mixed to stereo, for "
            f"{encoder} does not take it.",
            "warning",
        )
    stream = cast(AudioStream, out.add_stream(encoder, rate=rate, layout=layout))
    if encoder in _LOSSY:
        stream.codec_context.bit_rate = _BITS_PER_SECOND * stream.codec_context.channels
    else:
        stream.codec_context.format = "s32"  # of which 24 bits are kept
    if audio.language:
        stream.metadata["language"] = audio.language
    return stream


def _takes(encoder: str, rate: int, layout: str) -> bool:
    """Whether an encoder takes this order of channels; only opening it tells."""
    context = cast(AudioCodecContext, av.CodecContext.create(encoder, "w"))
    context.sample_rate, context.layout = rate, layout
    context.format = (context.codec.audio_formats or [])[0]
    try:
        context.open()
    except av.FFmpegError:
        return False
    return True


def _encoded(stream: AudioStream, audio: Audio) -> Iterator[Timed]:
    for frame in _frames(audio):
        for packet in stream.encode(frame):
            begin = (packet.pts or 0) * packet.time_base + audio.start
            end = begin + (packet.duration or 0) * packet.time_base
            yield begin, stamped(packet, stream, begin, end, stream.codec_context.rate)


def _frames(audio: Audio) -> Iterator[AudioFrame | None]:
    """The samples as FFmpeg's frames, then None."""
    position = 0
    for block in audio.read():
        packed = np.ascontiguousarray(block).reshape(1, -1)
        frame = AudioFrame.from_ndarray(packed, "flt", audio.layout)
        frame.sample_rate, frame.pts = audio.rate_hz, position
        frame.time_base = Fraction(1, audio.rate_hz)
        position += len(block)
        yield frame
    yield None
