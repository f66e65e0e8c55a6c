"""The exact times of the frames of a video, found packet by packet and not decoded.

In: a video file. Out: the display times of its frames, in order, in ticks of the file's time base.
Browsers seek by these times, so they are those of the file: neither its start is subtracted, nor
are times rounded to a frame rate. The file is read only as far as frames are wanted.

Most formats store one frame in a packet. Where a packet may be one field (MPEG streams), or frames
have no display times (AVI), the beginning is decoded and compared; if it differs, all frames are
decoded to find their times.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Generator, Iterator
from fractions import Fraction
from itertools import islice
from pathlib import Path

from av.packet import Packet
from av.video.stream import VideoStream

from kinoloom.base.notes import Notes
from kinoloom.media.container.inputs import find_picture_stream, find_zero, open_input
from kinoloom.media.limits import check_animation_size
from kinoloom.media.video.decoding import decode, open_decoder, read_packets
from kinoloom.media.video.inspection import Facts, inspect_video

_MAX_REORDER = 32
"""More frames than any codec moves between the order of a file and that of display."""
_ONE_FRAME_PER_PACKET = ("mov", "matroska", "webm", "gif", "apng", "ivf", "flv")
_COMPARED_FRAMES = 16
_VP8_SHOWN = 0x10
"""In the first byte of a VP8 frame (RFC 6386, section 9.1)."""


class FrameTimes:
    """The times of a video's frames, found as far as they are wanted; close it after use.

    Args:
        path: the file; it must stay until this is closed.

    Attributes:
        facts: of the whole video.
        ticks: the times found so far, in units of `facts.clock.tick`.
        is_complete: whether all frames were found.
        problems: FFmpeg's messages on damage found so far.

    Raises:
        MediaError: as `media.video.reading.open_video`.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.problems: list[str] = []
        check_animation_size(path)
        with open_input(path) as container:
            stream = find_picture_stream(container, path)
            zero = find_zero(container)
            self._format = container.format.name
            self.facts: Facts = inspect_video(container, stream, path, zero, Notes())
        self.ticks: list[int] = []
        self.is_complete = False
        self._last_duration = 0
        self._source = self._sort(self._read_packets())
        if not self._agrees_with_decoder():
            self._source = self._sort(self._decode_all())

    def find(self, count: int) -> None:
        """Find the times of the first `count` frames, or of all if there are fewer."""
        missing = count - len(self.ticks)
        if missing > 0 and not self.is_complete:
            self.ticks += islice(self._source, missing)
            self.is_complete = len(self.ticks) < count

    def time(self, number: int) -> Fraction:
        """Return when a frame that was found appears, in seconds of the file."""
        return self.ticks[number] * self.facts.clock.tick

    def slice(self, start: int, end: int) -> list[Fraction]:
        """Return the times of frames that were found, in seconds of the file."""
        return [ticks * self.facts.clock.tick for ticks in self.ticks[start:end]]

    @property
    def end(self) -> Fraction | None:
        """When the last frame ends, in seconds of the file; None until all frames are found."""
        if not self.is_complete or not self.ticks:
            return None
        stored = self._last_duration * self.facts.clock.tick
        return self.time(-1) + (stored or 1 / self.facts.nominal_rate)

    def close(self) -> None:
        """Close the file."""
        self._source.close()

    def _sort(self, found: Iterator[tuple[int, int]]) -> Generator[int]:
        """Yield times in order, without those that no player shows."""
        first = self.facts.clock.first if self.facts.timed else None
        latest = None if first is None else first - 1
        for ticks, duration in _reorder(found):
            if latest is None or ticks > latest:
                latest, self._last_duration = ticks, duration
                yield ticks

    def _read_packets(self) -> Iterator[tuple[int, int]]:
        """Yield time and duration of each packet that becomes a frame, in file order."""
        with open_input(self._path) as container:
            stream = find_picture_stream(container, self._path)
            may_hide = stream.codec_context.name == "vp8"
            for packet in read_packets(container, stream, self.problems.append):
                ticks = packet.pts if self.facts.timed else packet.dts
                if ticks is None or packet.is_discard or (may_hide and not _is_shown(packet)):
                    continue
                yield ticks, packet.duration or 0

    def _decode_all(self) -> Iterator[tuple[int, int]]:
        """Yield time and duration of each decoded frame.

        Without display times, frames get the decoding times of their packets, as
        `media.video.reading` gives them.
        """
        times: deque[int] = deque()
        latest = -1
        with open_input(self._path) as container:
            stream = find_picture_stream(container, self._path)

            def watched() -> Iterator[Packet[VideoStream]]:
                for packet in read_packets(container, stream, self.problems.append):
                    if packet.dts is not None:
                        times.append(packet.dts)
                    yield packet

            for frame in decode(open_decoder(stream), watched(), self.problems.append):
                stored = frame.pts if self.facts.timed else times.popleft() if times else None
                latest = latest + 1 if stored is None else stored
                yield latest, frame.duration or 0

    def _agrees_with_decoder(self) -> bool:
        """Whether each packet is one frame, as far as the beginning of the file shows."""
        if any(name in _ONE_FRAME_PER_PACKET for name in self._format.split(",")):
            return True
        decoded = self._sort(self._decode_all())
        expected = list(islice(decoded, _COMPARED_FRAMES))
        self.find(len(expected))
        agrees = self.ticks[: len(expected)] == expected
        if not agrees:
            self.ticks, self.is_complete = [], False
            self._source.close()
        return agrees


def _reorder(found: Iterator[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Yield times in order of display."""
    waiting: list[tuple[int, int]] = []
    for one in found:
        heapq.heappush(waiting, one)
        if len(waiting) > _MAX_REORDER:
            yield heapq.heappop(waiting)
    while waiting:
        yield heapq.heappop(waiting)


def _is_shown(packet: Packet[VideoStream]) -> bool:
    """Whether a VP8 packet is shown; others only serve the prediction of later ones."""
    head = bytes(packet)[:1]
    return not head or bool(head[0] & _VP8_SHOWN)
