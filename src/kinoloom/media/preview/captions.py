"""Captions for browsers: text subtitles of any source as WebVTT.

In: the subtitle streams of a video, or a SubRip or WebVTT file. Out: cues with exact times, and
WebVTT in which everything except italics, bold and underline is plain text: markup in a caption
appears as it is written.

Sources: WebVTT, W3C candidate recommendation, section 4; SubRip has no standard, so its parser
takes what players take.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.packet import Packet
from av.subtitles.stream import SubtitleStream

from kinoloom.base.notes import Notes
from kinoloom.errors import UnreadableMediaError, UsageError
from kinoloom.media.container.inputs import discard_others, open_input
from kinoloom.media.container.packets import demux

_TEXT_CODECS = ("subrip", "ass", "webvtt", "mov_text", "text")
_FILE_LIMIT_BYTES = 16_000_000
_TIME = r"(?:(\d{1,4}):)?(\d{1,2}):(\d{1,2})[.,](\d{1,3})"
_TIMING = re.compile(rf"\s*{_TIME}\s*-->\s*{_TIME}")
_STYLE = re.compile(r"</?[ibu]>", re.IGNORECASE)
_OTHER_TAGS = re.compile(r"</?(?:font|c|v|lang|ruby|rt)\b[^<>]*>|<\d[\d:.]*>", re.IGNORECASE)
_OVERRIDES = re.compile(r"\{\\[^{}]*\}")
_OVERRIDDEN_STYLE = re.compile(r"\\([ibu])([01])(?=[\\}])")
_ENCODINGS = ("utf-8-sig", "cp1252", "latin-1")
_BYTE_ORDERS = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True)
class Cue:
    """One caption.

    Attributes:
        begin, end: in seconds.
        text: lines of text, with <i>, <b>, <u> for style.
    """

    begin: Fraction
    end: Fraction
    text: str


@dataclass(frozen=True)
class CaptionTrack:
    """A subtitle stream of text.

    Attributes:
        index: of the stream in the file.
        language: ISO 639-2 code, or "".
        title: as stored in the file, or "".
    """

    index: int
    language: str
    title: str


def list_captions(path: Path) -> list[CaptionTrack]:
    """Return the text subtitles in a video.

    Raises:
        MediaError: the file cannot be read.
    """
    with open_input(path) as container:
        return [
            CaptionTrack(stream.index, stream.language or "", stream.metadata.get("title", ""))
            for stream in container.streams.subtitles
            if stream.codec_context.codec.canonical_name in _TEXT_CODECS
        ]


def read_captions(path: Path, index: int) -> list[Cue]:
    """Return the captions of a stream, at the times of the file.

    Raises:
        UsageError: the stream is not text.
        MediaError: the file cannot be read.
    """
    if index not in [track.index for track in list_captions(path)]:
        raise UsageError(f"Stream {index} of {path.name} is not text.")
    with open_input(path) as container:
        stream = next(one for one in container.streams.subtitles if one.index == index)
        discard_others(container, stream)
        notes = Notes()
        return [
            Cue(begin, end, text)
            for packet, begin, end in demux(container, stream, lambda time: time, notes)
            if end > begin and (text := _decode(stream, packet))
        ]


def _decode(stream: SubtitleStream, packet: Packet[Any]) -> str:
    """Return the text of a packet; "" if it is damaged, as the others are readable.

    FFmpeg drops markup that it does not know, so only ASS is decoded; the others store their text.
    """
    codec = stream.codec_context.codec.canonical_name
    content = bytes(packet)
    if codec == "mov_text":  # 3GPP TS 26.245, section 5.17
        content = content[2 : 2 + int.from_bytes(content[:2], "big")]
    if codec != "ass":
        return _clean(content.decode("utf-8", "replace")).strip()
    try:
        shown = stream.codec_context.decode2(packet)
    except (av.FFmpegError, ValueError):
        return ""
    texts = [] if shown is None else [one.dialogue for one in shown if hasattr(one, "dialogue")]
    return "\n".join(_clean(text.decode("utf-8", "replace")) for text in texts).strip()


def read_caption_file(path: Path) -> list[Cue]:
    """Return the captions of a SubRip or WebVTT file.

    Raises:
        UnreadableMediaError: it is too large, or has no caption.
    """
    if path.stat().st_size > _FILE_LIMIT_BYTES:
        raise UnreadableMediaError(
            f"{path} is larger than {_FILE_LIMIT_BYTES:,} bytes, so it is not a file of subtitles."
        )
    cues = list(parse_captions(decode_text(path.read_bytes())))
    if not cues:
        raise UnreadableMediaError(
            f"{path} has no captions.", hint="Expected SubRip (.srt) or WebVTT (.vtt)."
        )
    return cues


def decode_text(data: bytes) -> str:
    """Decode text of an unknown encoding: UTF-8 or UTF-16 where valid, else Western European."""
    if data.startswith(_BYTE_ORDERS):
        return data.decode("utf-16", "replace")
    for encoding in _ENCODINGS[:-1]:
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return data.decode(_ENCODINGS[-1])


def parse_captions(text: str) -> Iterator[Cue]:
    """Yield the captions of a SubRip or WebVTT text; what is not a caption is left out."""
    blocks = re.split(r"\n[ \t]*\n", text.replace("\r\n", "\n").replace("\r", "\n"))
    for block in blocks:
        lines = block.strip("\n").split("\n")
        for k, line in enumerate(lines[:2]):
            found = _TIMING.match(line)
            if found is None:
                continue
            begin, end = _parse_time(found.groups()[:4]), _parse_time(found.groups()[4:])
            content = _clean("\n".join(lines[k + 1 :])).strip()
            if content and end > begin:
                yield Cue(begin, end, content)
            break


def write_webvtt(cues: Sequence[Cue]) -> str:
    """Return captions as WebVTT, in order of time."""
    parts = ["WEBVTT\n"]
    for cue in sorted(cues, key=lambda one: (one.begin, one.end)):
        lines = "\n".join(line for line in cue.text.split("\n") if line.strip())
        if cue.end > 0 and lines:
            begin = max(cue.begin, Fraction(0))
            parts.append(f"{_format_time(begin)} --> {_format_time(cue.end)}\n{_escape(lines)}\n")
    return "\n".join(parts)


def _clean(text: str) -> str:
    """Remove what styles a caption beyond italics, bold and underline."""
    text = _OVERRIDES.sub(_convert_override, text).replace("\\N", "\n").replace("\\n", "\n")
    return html.unescape(_OTHER_TAGS.sub("", text)).replace("\0", "")


def _convert_override(override: re.Match[str]) -> str:
    """Return the tags for what an override of ASS sets: {\\i1} is <i>, {\\i0} is </i>."""
    return "".join(
        f"<{'' if value == '1' else '/'}{style}>"
        for style, value in _OVERRIDDEN_STYLE.findall(override[0])
    )


def _escape(text: str) -> str:
    parts, at = [], 0
    for style in _STYLE.finditer(text):
        parts += [html.escape(text[at : style.start()], quote=False), style[0].lower()]
        at = style.end()
    return "".join([*parts, html.escape(text[at:], quote=False)])


def _parse_time(groups: Sequence[str | None]) -> Fraction:
    hours, minutes, seconds, fraction = groups
    whole = 3600 * int(hours or 0) + 60 * int(minutes or 0) + int(seconds or 0)
    return whole + Fraction(int((fraction or "0").ljust(3, "0")), 1000)


def _format_time(time: Fraction) -> str:
    millis = round(time * 1000)
    hours, rest = divmod(millis, 3_600_000)
    minutes, rest = divmod(rest, 60_000)
    return f"{hours:02}:{minutes:02}:{rest // 1000:02}.{rest % 1000:03}"
