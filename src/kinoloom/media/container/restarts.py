"""Files whose clock restarts: broadcast recordings and transport streams that were concatenated.

Each part of such a file has its own clock. Players show the parts one after the other, so the times
of each part are shifted: its pictures follow those of the part before, and its sound keeps its
place next to the pictures.

In: an open file of a format that allows it (MPEG transport and program streams). Out: where its
parts begin, by byte position, and the shift of each; and its packets with continuous times.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar, cast

import av
from av.container import InputContainer
from av.packet import Packet
from av.stream import Stream

StreamT = TypeVar("StreamT", bound=Stream)
_MIN_BACK_S, _MIN_AHEAD_S = Fraction(1, 10), Fraction(10)
"""A clock restarts if decoding times jump back or ahead by more than this; FFmpeg and most players
use about 10 s for jumps ahead."""
_MAY_RESTART = 0x200  # AVFMT_TS_DISCONT
_MARKED = 4
"""Packets before a restart that FFmpeg may mark as incomplete."""


@dataclass(frozen=True)
class Restart:
    """The beginning of a part with a new clock.

    Attributes:
        position: of its first packet, in bytes from the start of the file.
        shift: what to add to its times, in seconds.
    """

    position: int
    shift: Fraction


def find_restarts(container: InputContainer) -> tuple[Restart, ...]:
    """Return the restarts of a file's clock, in order; its packets are read once for this."""
    if not container.format.flags & _MAY_RESTART:
        return ()
    path = Path(container.name.removeprefix("file:"))
    status = path.stat()
    return _scan_file(path, status.st_size, status.st_mtime_ns)


def demux_continuous(container: InputContainer, stream: StreamT) -> Iterator[Packet[StreamT]]:
    """Yield the packets of a stream, with the times of later parts shifted; the last is empty.

    FFmpeg marks the packets around a restart as incomplete because their counters do not match;
    the marks are removed.
    """
    restarts = find_restarts(container)
    packets = cast("Iterator[Packet[StreamT]]", container.demux(stream))
    if not restarts:
        yield from packets
        return
    latest: deque[Packet[StreamT]] = deque()
    part = position = 0
    for packet in packets:
        latest.append(packet)
        if packet.size:
            position = position if packet.pos is None else packet.pos
            previous, part = part, _find_part(position, restarts)
            _shift(packet, restarts[part - 1].shift if part else Fraction(0))
            if part != previous:
                for each in latest:
                    each.is_corrupt = False
        if len(latest) > _MARKED:
            yield latest.popleft()
    yield from latest


def _shift(packet: Packet[Any], shift: Fraction) -> None:
    if shift and packet.time_base:
        ticks = round(shift / packet.time_base)
        packet.pts = None if packet.pts is None else packet.pts + ticks
        packet.dts = None if packet.dts is None else packet.dts + ticks


def _find_part(position: int, restarts: tuple[Restart, ...]) -> int:
    """Return how many restarts are at or before a position."""
    return sum(restart.position <= position for restart in restarts)


@dataclass
class _Span:
    """The display times of a stream's packets in one part, in seconds."""

    begin: Fraction
    end: Fraction


@dataclass
class _Part:
    """A part of a file.

    Attributes:
        position: of its first packet, in bytes.
        spans: by index of the stream.
    """

    position: int
    spans: dict[int, _Span] = field(default_factory=dict)


@dataclass
class _StreamState:
    """The last packet of a stream on the clock of its part, and one that may begin a new part."""

    part: int = 0
    last: Fraction | None = None
    pending: Packet[Any] | None = None


@lru_cache(maxsize=16)
def _scan_file(path: Path, size: int, changed_ns: int) -> tuple[Restart, ...]:
    from kinoloom.media.container.inputs import open_input

    scan = _Scan()
    with open_input(path) as container:
        streams = [stream for stream in container.streams if stream.type in ("video", "audio")]
        pictures = [stream.index for stream in streams if stream.type == "video"]
        try:
            for packet in container.demux(streams):
                if packet.size and packet.dts is not None and packet.time_base:
                    scan.add(packet)
        except MemoryError:
            raise
        except av.FFmpegError:
            pass  # reading the pictures reports the damage
    return tuple(scan.list_restarts(pictures))


class _Scan:
    """Finds parts in the packets of a file, in file order."""

    def __init__(self) -> None:
        self.parts = [_Part(0)]
        self.states: dict[int, _StreamState] = {}
        self.position = 0

    def add(self, packet: Packet[Any]) -> None:
        """Consider a packet; a jump counts only if the next packet does not return."""
        self.position = self.position if packet.pos is None else packet.pos
        state = self.states.setdefault(packet.stream_index, _StreamState())
        jumps = state.last is not None and _jumps(state.last, _decoding_time(packet))
        if state.pending is not None:
            if jumps:
                self._begin_part(state, state.pending)
                jumps = state.last is not None and _jumps(state.last, _decoding_time(packet))
            state.pending = None
        if jumps:
            state.pending = packet
        else:
            self._count(state, packet)

    def list_restarts(self, pictures: list[int]) -> Iterator[Restart]:
        """Yield the restarts once all packets are added.

        Args:
            pictures: indices of the picture streams, which determine the shift where possible.
        """
        for state in self.states.values():
            if state.pending is not None:
                self._begin_part(state, state.pending)
        shift = Fraction(0)
        for before, after in zip(self.parts, self.parts[1:], strict=False):
            common = before.spans.keys() & after.spans.keys()
            shown = [index for index in pictures if index in common] or sorted(common)
            if shown:
                shift += before.spans[shown[0]].end - after.spans[shown[0]].begin
            elif before.spans and after.spans:
                end = max(span.end for span in before.spans.values())
                shift += end - min(span.begin for span in after.spans.values())
            yield Restart(after.position, shift)

    def _begin_part(self, state: _StreamState, first: Packet[Any]) -> None:
        """Move a stream to the latest part, or to a new one if it is in that part already."""
        position = self.position if first.pos is None else first.pos
        if state.part == len(self.parts) - 1:
            self.parts.append(_Part(position))
        state.part = len(self.parts) - 1
        self.parts[-1].position = min(self.parts[-1].position, position)
        self._count(state, first)

    def _count(self, state: _StreamState, packet: Packet[Any]) -> None:
        if state.last is None:  # a stream may begin in a later part
            state.part = len(self.parts) - 1
        state.last = _decoding_time(packet)
        shown = packet.dts if packet.pts is None else packet.pts
        begin = (shown or 0) * packet.time_base
        end = begin + (packet.duration or 0) * packet.time_base
        span = self.parts[state.part].spans.setdefault(packet.stream_index, _Span(begin, end))
        span.begin, span.end = min(span.begin, begin), max(span.end, end)


def _decoding_time(packet: Packet[Any]) -> Fraction:
    return (packet.dts or 0) * packet.time_base


def _jumps(last: Fraction, time: Fraction) -> bool:
    return last - time > _MIN_BACK_S or time - last > _MIN_AHEAD_S
