"""Carry data tracks over, such as the position and motion that cameras record.

Their content is not interpreted. Each format supports few kinds of data, and FFmpeg decides which
when it writes the header, so a header is tried first.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.container import OutputContainer
from av.stream import Stream

from kinoloom.base.notes import Notes
from kinoloom.media.container.inputs import open_input
from kinoloom.media.container.packets import TimedPacket, TimeMap, add_stream_like, demux, stamp
from kinoloom.media.container.timecode import is_timecode
from kinoloom.media.video.codecs import Container
from kinoloom.media.video.encoding import stores_stream

_CLOCK_HZ = 90_000


def add_data(
    out: OutputContainer,
    path: Path,
    container: Container,
    to_clip_time: TimeMap,
    notes: Notes,
    stack: ExitStack,
) -> list[Iterator[TimedPacket]]:
    """Add the data streams of a file that `out` supports, before its first packet.

    Timecode is not among them; see `timecode`.

    Args:
        out: the output.
        path: the file with the data.
        container: the format of `out`.
        to_clip_time: maps the file's time to the clip's.
        notes: gets a note for each stream that is left out.
        stack: closes the input files after the packets are consumed.

    Returns:
        The packets of each stream, in order of time.
    """
    tracks = []
    with open_input(path) as listing:
        wanted = [each.index for each in listing.streams.data if not is_timecode(each)]
    for index in wanted:
        source = stack.enter_context(open_input(path))  # each stream is read at its own pace
        template = source.streams[index]
        if stores_stream(container, template):
            stream = add_stream_like(out, template)
            packets = demux(source, template, to_clip_time, notes)
            tracks.append(_copy_in_order(packets, stream))
        else:
            name = template.metadata.get("handler_name") or template.name or "unknown"
            text = f"The data of stream {index} ({name}) is left out: the format {container.name} "
            notes.add("data", f"{text}has no place for it.", "warning")
    return tracks


def _copy_in_order(
    packets: Iterator[tuple[av.Packet[Any], Fraction, Fraction]], stream: Stream
) -> Iterator[TimedPacket]:
    """Yield packets at increasing times, which writers require."""
    tick = Fraction(1, _CLOCK_HZ)
    last = -tick
    for packet, begin, end in packets:
        begin = max(begin, last + tick)
        last = begin
        yield begin, stamp(packet, stream, begin, max(begin + tick, end), _CLOCK_HZ)
