"""Copy packets from one file to another, and set their times.

Conventions: all times are seconds on the clip's clock as exact fractions, rounded once, to integer
ticks of a clock given in ticks per second.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

import av
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.stream import Stream

from kinoloom.base.notes import Notes
from kinoloom.media.container.restarts import demux_continuous

TimedPacket = tuple[Fraction, "Packet[Any]"]
"""A packet and its position in the file, in seconds on the clip's clock."""
TimeMap = Callable[[Fraction], Fraction]
"""Maps a file's time to the clip's clock, both in seconds."""

_TITLES = ("title", "name")
"""Names of the title of a stream, in lower case; MP4 and MOV call it "name"."""


def add_stream_like(out: OutputContainer, template: Stream) -> Stream:
    """Add a stream to `out` for packets copied from `template`."""
    stream = out.add_stream_from_template(template)
    copy_description(stream, template)
    return stream


def copy_description(stream: Stream, template: Stream) -> None:
    """Copy language, title and disposition of another stream."""
    tags = {name.lower(): text for name, text in template.metadata.items()}
    if tags.get("language", "und") != "und":
        stream.metadata["language"] = tags["language"]
    title = next((tags[name] for name in _TITLES if tags.get(name)), "")
    if title:
        stream.metadata["title"] = title
    stream.disposition = template.disposition


def demux(
    source: InputContainer, template: Stream, to_clip_time: TimeMap, notes: Notes
) -> Iterator[tuple[Packet[Any], Fraction, Fraction]]:
    """Yield the packets of a stream with their start and end times on the clip's clock.

    Damage is noted as an error: no file can store packets whose times go back, so they are left
    out, and what follows an error of the file is not read.
    """
    latest: int | None = None
    try:
        for packet in demux_continuous(source, template):
            if packet.is_corrupt:
                note_damage(notes, template, "a packet is incomplete")
            if not packet.size or packet.pts is None or packet.time_base is None:
                continue
            begin, end = packet.pts, packet.pts + (packet.duration or 0)
            if latest is not None and not _follows(begin, latest, template):
                note_damage(notes, template, "packets are out of order")
                continue
            latest = begin
            yield (
                packet,
                to_clip_time(begin * packet.time_base),
                to_clip_time(end * packet.time_base),
            )
    except MemoryError:
        raise
    except av.FFmpegError as error:
        note_damage(notes, template, f"FFmpeg reports '{error.strerror}'")


def _follows(begin: int, latest: int, template: Stream) -> bool:
    """Whether a packet may follow another; several subtitles or data may start together."""
    return begin > latest or (begin == latest and template.type in ("subtitle", "data"))


def note_damage(notes: Notes, template: Stream, reason: str) -> None:
    """Note that a part of a stream is left out."""
    message = f"Stream {template.index} ({template.type}) is damaged: {reason}. "
    notes.add("damage", f"{message}The readable part is used.", "error")


def copy_packets(
    source: InputContainer,
    template: Stream,
    stream: Stream,
    clock_hz: int,
    to_clip_time: TimeMap,
    notes: Notes,
) -> Iterator[TimedPacket]:
    """Yield the packets of `template`, re-timed for `stream`; see `demux` for damage."""
    for packet, begin, end in demux(source, template, to_clip_time, notes):
        yield begin, stamp(packet, stream, begin, end, clock_hz)


def stamp(
    packet: Packet[Any], stream: Stream, begin: Fraction, end: Fraction, clock_hz: int
) -> Packet[Any]:
    """Set the times of a packet for a stream without reordering, and return it."""
    packet.stream, packet.time_base = stream, Fraction(1, clock_hz)
    packet.pts = packet.dts = round(begin * clock_hz)
    packet.duration = round(end * clock_hz) - packet.pts
    return packet
