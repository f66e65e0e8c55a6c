"""Subtitles from one file into another: copied, or text rewritten in the codec that it needs.

In: the clip's origin. Out: streams in the output and their packets in order of time, on the
clip's clock. Subtitles that are pictures are left out of files that cannot hold them, with a note.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from typing import cast

from av.container import InputContainer, OutputContainer
from av.subtitles.stream import SubtitleStream

from kinoloom.base.notes import Notes
from kinoloom.media.container.inputs import open_input
from kinoloom.media.container.packets import (
    Moved,
    Timed,
    add_like,
    copied,
    demuxed,
    describe_like,
    stamped,
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
"""What FFmpeg's text encoders want to know of the style, for sources that have none."""


def add_subtitles(
    out: OutputContainer,
    path: Path,
    container: Container,
    moved: Moved,
    notes: Notes,
    stack: ExitStack,
) -> list[Iterator[Timed]]:
    """Add all subtitle streams of a file that `out` can hold, before its first packet.

    Args:
        out: the output.
        path: the file that they lie in.
        container: the kind of file that `out` is.
        moved: from the file's time to the clip's.
        notes: told what cannot be carried.
        stack: closes the input files when the packets have been taken.

    Returns:
        The packets of each stream, in order of time.
    """
    tracks = []
    with open_input(path) as listing:
        count = len(listing.streams.subtitles)
    for index in range(count):
        source = stack.enter_context(open_input(path))  # each is read at its own pace
        template = source.streams.subtitles[index]
        name = template.codec_context.codec.canonical_name
        if name in container.subtitles:
            stream = add_like(out, template)
            tracks.append(copied(source, template, stream, _CLOCK_HZ, moved))
        elif name in _TEXT:
            written = _text_stream(out, template, container.subtitles[0])
            tracks.append(_rewritten(source, template, written, moved))
        else:
            notes.add(
                "subtitles",
                f"The subtitles of stream {template.index} ({name}) are pictures, which cannot lie "
                "in this kind of file: they are left out.",
                "warning",
            )
    return tracks


def _text_stream(out: OutputContainer, template: SubtitleStream, codec: str) -> SubtitleStream:
    stream = cast(SubtitleStream, out.add_stream(codec))
    context = stream.codec_context
    context.subtitle_header = template.codec_context.subtitle_header or _ASS_HEADER
    context.time_base = stream.time_base = Fraction(1, _CLOCK_HZ)
    describe_like(stream, template)
    return stream


def _rewritten(
    source: InputContainer, template: SubtitleStream, stream: SubtitleStream, moved: Moved
) -> Iterator[Timed]:
    """Text in another codec; styles survive as far as both codecs know them."""
    for packet, begin, end in demuxed(source, template, moved):
        shown = template.codec_context.decode2(packet)
        if shown is not None and len(shown):
            text = stream.codec_context.encode_subtitle(shown)
            yield begin, stamped(text, stream, begin, end, _CLOCK_HZ)
