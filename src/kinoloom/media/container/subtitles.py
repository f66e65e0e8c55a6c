"""Copy subtitles to another file, or convert text subtitles to its codec.

In: the clip's origin. Out: streams in the output, and their packets in order of time on the clip's
clock. Bitmap subtitles that the format does not support are dropped with a note.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
from av.container import InputContainer, OutputContainer
from av.subtitles.stream import SubtitleStream

from kinoloom.base.notes import Notes
from kinoloom.media.container.inputs import open_input
from kinoloom.media.container.packets import (
    TimedPacket,
    TimeMap,
    add_stream_like,
    copy_description,
    copy_packets,
    demux,
    note_damage,
    stamp,
)
from kinoloom.media.video.codecs import Container

_CLOCK_HZ = 1000
_TEXT = ("subrip", "ass", "webvtt", "mov_text", "text")
_ASS_HEADER = b"""[Script Info]
ScriptType: v4.00+

[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, \
Bold, Italic, Underline, StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, \
Shadow, Alignment, MarginL, MarginR, MarginV, Encoding
Style: Default,Arial,16,&Hffffff,&Hffffff,&H0,&H0,0,0,0,0,100,100,0,0,1,1,0,2,10,10,10,1

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
"""
"""The style that FFmpeg's text encoders require, for sources without one."""


def add_subtitles(
    out: OutputContainer,
    path: Path,
    container: Container,
    to_clip_time: TimeMap,
    notes: Notes,
    stack: ExitStack,
) -> list[Iterator[TimedPacket]]:
    """Add all subtitle streams of a file that `out` supports, before its first packet.

    Args:
        out: the output.
        path: the file with the subtitles.
        container: the format of `out`.
        to_clip_time: maps the file's time to the clip's.
        notes: gets a note for each stream that is dropped.
        stack: closes the input files after the packets are consumed.

    Returns:
        The packets of each stream, in order of time.
    """
    tracks = []
    with open_input(path) as listing:
        count = len(listing.streams.subtitles)
    for index in range(count):
        source = stack.enter_context(open_input(path))  # each stream is read at its own pace
        template = source.streams.subtitles[index]
        name = template.codec_context.codec.canonical_name
        if name in container.subtitles:
            stream = add_stream_like(out, template)
            tracks.append(copy_packets(source, template, stream, _CLOCK_HZ, to_clip_time, notes))
        elif name in _TEXT:
            written = _add_text_stream(out, template, container.subtitles[0])
            tracks.append(_transcode(source, template, written, to_clip_time, notes))
        else:
            notes.add(
                "subtitles",
                f"The subtitles of stream {template.index} ({name}) are bitmaps, which this file "
                "format does not support; they are left out.",
                "warning",
            )
    return tracks


def _add_text_stream(out: OutputContainer, template: SubtitleStream, codec: str) -> SubtitleStream:
    stream = cast(SubtitleStream, out.add_stream(codec))
    context = stream.codec_context
    context.subtitle_header = template.codec_context.subtitle_header or _ASS_HEADER
    context.time_base = stream.time_base = Fraction(1, _CLOCK_HZ)
    copy_description(stream, template)
    return stream


def _transcode(
    source: InputContainer,
    template: SubtitleStream,
    stream: SubtitleStream,
    to_clip_time: TimeMap,
    notes: Notes,
) -> Iterator[TimedPacket]:
    """Yield text subtitles in another codec, with the styles that both codecs support."""
    for packet, begin, end in demux(source, template, to_clip_time, notes):
        try:
            shown = template.codec_context.decode2(packet)
            if shown is None or not len(shown):
                continue
            text = stream.codec_context.encode_subtitle(shown)
        except MemoryError:
            raise
        except (av.FFmpegError, ValueError) as error:
            note_damage(notes, template, f"FFmpeg reports '{error}'")
            continue
        yield begin, stamp(text, stream, begin, end, _CLOCK_HZ)
