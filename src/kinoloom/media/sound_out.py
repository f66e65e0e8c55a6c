"""Sound into a file: packets copied where they may be, else samples encoded.

In: a track of a clip. Out: a stream in the output and its packets in order of time. Starts are
kept to half a sample; ends are not cut.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import OutputContainer

from kinoloom.base.audio import Audio
from kinoloom.media.codecs import Container
from kinoloom.media.packets import Timed, add_like, copied, stamped

_LOSSY = ("aac", "libopus")
_BITS_PER_SECOND = 96_000  # of lossy sound, a channel
_USUAL_HZ = 48_000


def add_sound(
    out: OutputContainer, audio: Audio, container: Container, encoder: str, stack: ExitStack
) -> Iterator[Timed]:
    """Add a sound track to `out`, before its first packet.

    Args:
        out: the output.
        audio: the track.
        container: the kind of file that `out` is.
        encoder: for sound that cannot be copied.
        stack: closes the input file when the packets have been taken.

    Returns:
        The packets, in order of time.
    """
    if audio.origin is not None:
        path, index = audio.origin
        source = stack.enter_context(av.open(str(path)))
        template = source.streams[index]
        if container.holds_sound(template.codec_context.codec.canonical_name):
            shift = audio.start - _first_sound(path, index)
            stream = add_like(out, template)
            return copied(source, template, stream, audio.rate_hz, lambda time: time + shift)
    return _encoded(_encoding_stream(out, audio, encoder), audio)


def _first_sound(path: Path, index: int) -> Fraction:
    """When the first decoded sample of a stream sounds, in the file's own seconds.

    Not the time of the first packet: encoders begin with samples that are decoded and dropped.
    """
    with av.open(str(path)) as source:
        for frame in source.decode(source.streams[index]):
            if isinstance(frame, AudioFrame):
                return (frame.pts or 0) * Fraction(frame.time_base or 0)
    return Fraction(0)


def _encoding_stream(out: OutputContainer, audio: Audio, encoder: str) -> AudioStream:
    rates = av.Codec(encoder, "w").audio_rates
    rate = audio.rate_hz if rates is None or audio.rate_hz in rates else _USUAL_HZ
    stream = cast(AudioStream, out.add_stream(encoder, rate=rate, layout=audio.layout))
    if encoder in _LOSSY:
        stream.codec_context.bit_rate = _BITS_PER_SECOND * audio.channels
    else:
        stream.codec_context.format = "s32"  # of which 24 bits are kept
    if audio.language:
        stream.metadata["language"] = audio.language
    return stream


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
        samples = np.ascontiguousarray(block.T)
        frame = AudioFrame.from_ndarray(samples, "fltp", audio.layout)
        frame.sample_rate, frame.pts = audio.rate_hz, position
        frame.time_base = Fraction(1, audio.rate_hz)
        position += len(block)
        yield frame
    yield None
