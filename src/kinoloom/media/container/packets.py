"""Packets on their way into a file: copied from another, or timed anew.

Conventions: all times are seconds on the clip's clock as exact fractions, rounded once, to whole
ticks of a clock given in ticks a second.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.stream import Stream

Timed = tuple[Fraction, "Packet[Any]"]
"""A packet and when it is to be written, in seconds on the clip's clock."""
Moved = Callable[[Fraction], Fraction]
"""From a file's own time to the clip's clock, both in seconds."""

_TAGS = ("language", "title")


def add_like(out: OutputContainer, template: Stream) -> Stream:
    """A stream of `out` for packets copied from `template`."""
    stream = out.add_stream_from_template(template)
    describe_like(stream, template)
    return stream


def describe_like(stream: Stream, template: Stream) -> None:
    """Give a stream the language, title and disposition of another."""
    stream.metadata.update({k: v for k, v in template.metadata.items() if k in _TAGS})
    stream.disposition = template.disposition


def demuxed(
    source: InputContainer, template: Stream, moved: Moved
) -> Iterator[tuple[Packet[Any], Fraction, Fraction]]:
    """The packets of a stream with their beginnings and ends on the clip's clock."""
    for packet in source.demux(template):
        if packet.size and packet.pts is not None:
            begin, end = packet.pts, packet.pts + (packet.duration or 0)
            yield packet, moved(begin * packet.time_base), moved(end * packet.time_base)


def copied(
    source: InputContainer, template: Stream, stream: Stream, clock_hz: int, moved: Moved
) -> Iterator[Timed]:
    """The packets of `template`, for `stream`."""
    for packet, begin, end in demuxed(source, template, moved):
        yield begin, stamped(packet, stream, begin, end, clock_hz)


def stamped(
    packet: Packet[Any], stream: Stream, begin: Fraction, end: Fraction, clock_hz: int
) -> Packet[Any]:
    """The packet, for a stream without reordering, from `begin` to `end`."""
    packet.stream, packet.time_base = stream, Fraction(1, clock_hz)
    packet.pts = packet.dts = round(begin * clock_hz)
    packet.duration = round(end * clock_hz) - packet.pts
    return packet
