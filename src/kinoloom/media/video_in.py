"""Videos as clips: probing, seeking, decoding, damage.

Output: a lazy `Clip` whose frames are pictures (media/colour.py) at exact times (media/times.py),
with the decoder's own frame beside them. The clip's clock starts at the earliest time of any
picture or sound stream, so that what starts late stays late. Rotation is applied, pixels are not
made square. Nothing is kept of frames already read; memory does not grow with length.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import islice
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

from kinoloom.base.clip import Clip, Colour, Frame
from kinoloom.base.notes import Notes
from kinoloom.errors import InputNotFoundError, UnreadableMediaError, UnsupportedMediaError
from kinoloom.media import sound
from kinoloom.media.colour import colour_of, format_facts, to_picture
from kinoloom.media.times import Clock, constant_rate

_PROBED_PACKETS = 3000
_UNTIMED = {"avi", "h264", "hevc", "m4v", "mpegvideo", "vc1"}
"""Formats that store no times of presentation: frames are counted."""
_LOST_FRAMES = 3
"""A video that ends this many frames before its container says is damaged."""


def open_container(path: Path) -> InputContainer:
    """Open a media file for reading.

    Raises:
        InputNotFoundError: there is no such file.
        UnreadableMediaError: a folder, an empty file, or nothing that FFmpeg knows.
    """
    if not path.exists():
        raise InputNotFoundError(f"There is no file {path}.", hint="Check its name and folder.")
    if path.is_dir():
        raise UnreadableMediaError(f"{path} is a folder.", hint="Give the files in it instead.")
    if path.stat().st_size == 0:
        raise UnreadableMediaError(f"{path} is empty.", hint="Copy or download it again.")
    try:
        return av.open(str(path), metadata_errors="replace")
    except (av.FFmpegError, OSError) as error:
        raise UnreadableMediaError(
            f"{path} cannot be read: {_reason(error)}.",
            hint="It may be damaged, cut off, or neither a photo nor a video.",
        ) from error


def picture_stream(container: InputContainer, path: Path) -> VideoStream:
    """The first stream of moving pictures; the cover of a song is none.

    Raises:
        UnsupportedMediaError: there is none.
    """
    moving = [
        stream
        for stream in container.streams.video
        if not stream.disposition & Disposition.attached_pic
    ]
    if moving:  # an animated AVIF has a stream for its still, too
        stream = max(moving, key=lambda each: each.frames > 1)
        stream.thread_type = "AUTO"
        return stream
    raise UnsupportedMediaError(
        f"{path} has no pictures, only {_kinds(container)}.", hint="Give a video."
    )


def open_video(path: Path) -> Clip:
    """Open a video of any container and codec that FFmpeg reads.

    Raises:
        InputNotFoundError: there is no such file.
        UnreadableMediaError: it is damaged beyond use, or no media.
        UnsupportedMediaError: it has no pictures, or in a codec that is not known.
    """
    notes = Notes()
    facts = _probe(path, notes)
    reader = _Reader(path, facts, notes)
    width, height = facts.shown_size
    return Clip(
        reader.read,
        width=width,
        height=height,
        rate=facts.clock.rate,
        duration=facts.duration,
        frame_count=facts.frame_count,
        bits=facts.bits,
        colour=facts.colour,
        pixel_aspect=facts.shown_aspect,
        audio=sound.tracks_of(path, facts.clock.origin),
        files=(path,),
        origin=path,
        notes=notes,
    )


@dataclass(frozen=True)
class _Facts:
    """What holds for a whole video."""

    clock: Clock
    size: tuple[int, int]
    aspect: Fraction
    rotation: int
    colour: Colour
    bits: int
    alpha: bool
    duration: Fraction | None
    frame_count: int | None
    frame_time: Fraction
    counted: bool

    @property
    def sideways(self) -> bool:
        return self.rotation % 180 == 90

    @property
    def shown_size(self) -> tuple[int, int]:
        return self.size[::-1] if self.sideways else self.size

    @property
    def shown_aspect(self) -> Fraction:
        return 1 / self.aspect if self.sideways else self.aspect


def _probe(path: Path, notes: Notes) -> _Facts:
    with open_container(path) as container:
        stream = picture_stream(container, path)
        if stream.codec_context is None:
            raise UnsupportedMediaError(f"{path} is in a codec that FFmpeg does not know.")
        tick = Fraction(stream.time_base or Fraction(1, 90000))
        first = _first_frame(container, stream, path)
        origin = _origin(container, first, tick)
        told = [stream.average_rate, stream.base_rate, stream.guessed_rate]
        rates = [Fraction(rate) if rate else None for rate in told]
        times = _packet_times(path)
        shown = sorted(t for t in times if t is not None)
        counted = len(shown) < len(times) or container.format.name in _UNTIMED
        usual = next((r for r in rates if r), Fraction(25))
        rate = usual if counted else constant_rate(shown, tick, rates)
        clock = Clock(tick, first.pts or 0, origin, rate)
        bits, alpha, _ = format_facts(first.format.name)
        if first.interlaced_frame:
            message = f"{path.name} is interlaced; its lines are left as they are."
            notes.add("interlaced", message, "warning")
        return _Facts(
            clock=clock,
            size=(first.width, first.height),
            aspect=Fraction(stream.sample_aspect_ratio or 1),
            rotation=first.rotation % 360,
            colour=colour_of(first),
            bits=bits,
            alpha=alpha,
            duration=_duration(
                container, stream, len(times), shown, clock, rate or usual, counted=counted
            ),
            frame_count=stream.frames or None,
            frame_time=1 / (rate or usual),
            counted=counted,
        )


def _first_frame(container: InputContainer, stream: VideoStream, path: Path) -> av.VideoFrame:
    last: Exception | None = None
    for packet in container.demux(stream):
        try:
            for frame in packet.decode():
                return frame
        except av.FFmpegError as error:
            last = error
    reason = f": {_reason(last)}" if last else ""
    raise UnreadableMediaError(
        f"{path} has no frame that can be decoded{reason}.",
        hint="It may be damaged or cut off; copy it again.",
    )


def _origin(container: InputContainer, first: av.VideoFrame, tick: Fraction) -> Fraction:
    """The earliest time of the pictures and of every sound track, in seconds."""
    sounds = [
        stream.start_time * Fraction(stream.time_base)
        for stream in container.streams.audio
        if stream.start_time is not None and stream.time_base is not None
    ]
    return min([(first.pts or 0) * tick, *sounds])


def _packet_times(path: Path) -> list[int | None]:
    """Ticks of the first packets, told without decoding; None where a packet has no time."""
    with open_container(path) as container:
        stream = picture_stream(container, path)
        packets = islice(container.demux(stream), _PROBED_PACKETS)
        return [packet.pts for packet in packets if packet.size]


def _duration(
    container: InputContainer,
    stream: VideoStream,
    packets: int,
    shown: list[int],
    clock: Clock,
    rate: Fraction,
    *,
    counted: bool,
) -> Fraction | None:
    """How long the pictures last; what all packets say, if they are few, is best."""
    if packets < _PROBED_PACKETS:
        if counted:
            return packets / rate
        return clock.time(shown[-1]) - clock.time(shown[0]) + 1 / rate
    if stream.duration:
        return stream.duration * clock.tick
    return Fraction(container.duration, av.time_base) if container.duration else None


@dataclass(frozen=True)
class _Reader:
    """Decodes a video, anew for each reading."""

    path: Path
    facts: _Facts
    notes: Notes

    def read(self, start: Fraction) -> Iterator[Frame]:
        """Frames that are shown at or after `start`."""
        waiting: Frame | None = None
        for frame in self._in_time(start):
            if waiting is not None:
                ended = replace(waiting, duration=frame.time - waiting.time)
                if ended.time + ended.duration > start:
                    yield ended
            waiting = frame
        if waiting is not None:
            last = replace(waiting, duration=waiting.duration or self.facts.frame_time)
            if last.time + last.duration > start:
                yield last

    def _in_time(self, start: Fraction) -> Iterator[Frame]:
        """Frames whose times increase, from the one shown at `start` or before it."""
        before: Fraction | None = None
        for native in self._decoded(start):
            frame = self._frame(native)
            if before is not None and frame.time <= before:
                self.notes.add("times", f"frames out of order in {self.path.name}", "warning")
                continue
            before = frame.time
            yield frame

    def _decoded(self, start: Fraction) -> Iterator[av.VideoFrame]:
        """The decoder's frames from one shown at or before `start`."""
        target = self.facts.clock.pts(start)
        if start > 0 and not self.facts.counted:
            frames = self._from(max(target - self._one_frame, 0))
            first = next(frames, None)
            if first is not None and (first.pts or 0) <= target:
                yield first
                yield from frames
                return
        yield from self._from(None)  # from the beginning, also where seeking fails

    @property
    def _one_frame(self) -> int:
        return int(self.facts.frame_time / self.facts.clock.tick) + 1

    def _from(self, seek: int | None) -> Iterator[av.VideoFrame]:
        with open_container(self.path) as container:
            stream = picture_stream(container, self.path)
            last: int | None = None
            for packet in self._packets(container, stream, seek):
                for native in self._decode(packet, last):
                    if self.facts.counted:
                        native.pts = self.facts.clock.next_pts(last)
                    last = native.pts
                    yield native
            self._check_end(container, stream, last)

    def _packets(
        self, container: InputContainer, stream: VideoStream, seek: int | None
    ) -> Iterator[av.Packet[VideoStream]]:
        packets = container.demux(stream)
        try:
            if seek is not None:
                container.seek(seek, stream=stream)
            yield from packets
        except av.FFmpegError as error:
            self._damage(None, _reason(error))

    def _decode(self, packet: av.Packet[VideoStream], before: int | None) -> list[av.VideoFrame]:
        try:
            frames = packet.decode()
        except av.FFmpegError as error:
            self._damage(before, _reason(error))
            return []
        if any(frame.is_corrupt for frame in frames):
            self._damage(before, "part of a picture is missing")
        return [frame for frame in frames if self.facts.counted or frame.pts is not None]

    def _check_end(self, container: InputContainer, stream: VideoStream, last: int | None) -> None:
        """Note a video that ends before its container says it does."""
        told = _told_end(container, stream)
        if told is None or last is None:
            return
        lost = told - (last * self.facts.clock.tick + self.facts.frame_time)
        if lost > _LOST_FRAMES * self.facts.frame_time:
            self._damage(last, f"the last {float(lost):.2f} s are missing")

    def _damage(self, pts: int | None, reason: str) -> None:
        time = Fraction(0) if pts is None else self.facts.clock.time(pts)
        self.notes.add(
            "damage",
            f"{self.path.name} is damaged after {float(time):.2f} s: {reason}",
            "error",
            time,
        )

    def _frame(self, native: av.VideoFrame) -> Frame:
        facts = self.facts
        picture = to_picture(native, facts.colour, alpha=facts.alpha)
        turned = facts.rotation != 0
        if turned:
            picture = np.ascontiguousarray(np.rot90(picture, facts.rotation // 90))
        rate = facts.clock.rate
        length = 1 / rate if rate else Fraction(native.duration or 0) * facts.clock.tick
        time = facts.clock.time(native.pts or 0)
        return Frame(picture, time, length, None if turned else native)


def _told_end(container: InputContainer, stream: VideoStream) -> Fraction | None:
    """When the pictures should end by the container's own word, in its seconds."""
    if stream.duration and stream.time_base:
        return (stream.duration + (stream.start_time or 0)) * Fraction(stream.time_base)
    tag = stream.metadata.get("DURATION", "")
    if tag.count(":") == 2:
        hours, minutes, seconds = (Fraction(part.rstrip("\0")) for part in tag.split(":"))
        return 3600 * hours + 60 * minutes + seconds
    return None


def _kinds(container: InputContainer) -> str:
    kinds = sorted({stream.type for stream in container.streams})
    return " and ".join(kinds) or "nothing"


def _reason(error: Exception) -> str:
    """FFmpeg's own words: the last line that it logged, or the error's text."""
    log = getattr(error, "log", None)
    if log:
        return str(log[2]).strip()
    return str(getattr(error, "strerror", "") or error)
