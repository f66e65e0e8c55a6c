"""Videos as clips: what holds for the whole file, then its frames, lazily.

In: a file of any container and codec that FFmpeg reads; animated WebP, and AVIF with alpha, by
Pillow (media/animation/reading.py). Out: a `Clip` of pictures (media/video/color.py) at exact times
(media/video/times.py), each with the decoder's own frame, and the sound (media/audio/reading.py).

Conventions: the clip's clock is zero at the earliest time of pictures or sound in the file. The
display matrix is applied to the pictures; pixels are not made square; fields are not separated.
What a damaged file still holds is given, and the damage noted. Nothing is kept of frames already
read, so memory does not grow with length.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate, islice
from pathlib import Path

from av.container import InputContainer
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from kinoloom.base.clip import Clip, Colour, Frame
from kinoloom.base.notes import Notes
from kinoloom.errors import UnreadableMediaError
from kinoloom.media.animation import reading as animated_in
from kinoloom.media.audio.reading import tracks_in
from kinoloom.media.container.inputs import (
    begin_of,
    open_input,
    picture_stream,
    sound_streams,
    zero_of,
)
from kinoloom.media.video.color import colour_of, to_picture
from kinoloom.media.video.decoding import Trouble, acquaint, decoded, decoder_of, packets
from kinoloom.media.video.planes import layout_of
from kinoloom.media.video.rotation import Turn
from kinoloom.media.video.times import Clock, constant_rate

_LOOK_AHEAD = 240
_LOOK_AHEAD_BYTES = 1 << 26
_REORDERED = 16
"""The most frames that a codec stores later than it shows them (H.264, H.265)."""
_UNTOLD_RATE = Fraction(25)
_EARLIER_S = Fraction(10)
_SLACK_S = Fraction(1, 10)
"""A video that ends this much before its file says is cut off."""
_RESTART_S = 1
"""Times that go back by more begin anew; what follows then cannot be shown."""
_UNTIMED = ("avi", "h264", "hevc", "m4v", "mpegvideo", "vc1")
"""Formats that store when packets are decoded, or nothing, but not when frames are shown."""
_VARIES = Fraction(1, 20)
"""The most by which the mean rate of the whole differs from a constant rate of its beginning."""


def open_video(path: Path) -> Clip:
    """Open a video.

    `Clip.rate` is None where the rate varies; `duration` and `frame_count` are None where the
    container does not tell them. Notes: "interlaced" (warning), "sound" (warning: a track that
    cannot be decoded), and while frames are read "times" (warning: frames out of order) and
    "damage" (error).

    Raises:
        InputNotFoundError: there is no such file.
        UnreadableMediaError: a folder, empty, not media, or without a frame that can be decoded.
        UnsupportedMediaError: no moving pictures, or a codec, pixel format or colour matrix that
            is not supported.
    """
    if animated_in.is_for_pillow(path):
        return animated_in.open_animation(path)
    notes = Notes()
    with open_input(path) as container:
        zero = zero_of(container)
        stream = picture_stream(container, path)
        facts = _look_at(container, stream, path, zero)
        audio = tracks_in(container, path, zero)
        left_out = len(container.streams.audio) - len(sound_streams(container))
    if facts.interlaced:
        notes.add("interlaced", f"{path.name} is interlaced; its fields stay woven.", "warning")
    if left_out:
        notes.add(
            "sound", f"{left_out} sound track(s) of {path.name} cannot be decoded.", "warning"
        )
    width, height = facts.size[::-1] if facts.turn.sideways else facts.size
    return Clip(
        _Video(path, facts, notes).read,
        width=width,
        height=height,
        rate=facts.clock.rate,
        duration=facts.length,
        frame_count=facts.frame_count,
        bits=facts.bits,
        colour=facts.colour,
        pixel_aspect=1 / facts.aspect if facts.turn.sideways else facts.aspect,
        audio=audio,
        files=(path,),
        origin=path,
        notes=notes,
    )


@dataclass(frozen=True)
class _Facts:
    """What holds for a whole video.

    Attributes:
        clock: of its frames.
        usual: frames a second, or thereabouts where the rate varies.
        length: from the first frame to the end of the last in seconds, as the container tells;
            None where it does not.
        timed: whether the file stores when frames are shown; else the next frame is shown when
            the next packet is decoded, or, without that, after one more frame's time.
        size, aspect, bits, colour, interlaced: of the first frame as it is stored.
    """

    clock: Clock
    usual: Fraction
    length: Fraction | None
    frame_count: int | None
    timed: bool
    size: tuple[int, int]
    aspect: Fraction
    turn: Turn
    bits: int
    colour: Colour
    interlaced: bool


def _look_at(container: InputContainer, stream: VideoStream, path: Path, zero: Fraction) -> _Facts:
    """Decode the first frame and look at the packets after it."""
    first, stored = _beginning(container, stream, path)
    tick = stream.time_base or 1 / _UNTOLD_RATE
    told = [stream.average_rate, stream.guessed_rate, stream.base_rate]
    rate = constant_rate(stored, tick, told)
    average = stream.average_rate if stream.frames else None  # of the whole file, where counted
    if rate and average and abs(average / rate - 1) > _VARIES:
        rate = None
    timed = first.pts is not None and container.format.name not in _UNTIMED
    clock = Clock(tick=tick, zero=zero, first=first.pts if timed and first.pts else 0, rate=rate)
    end = _told_end(stream)
    length = None if end is None else end - zero - clock.begin
    if rate and length is not None:
        length = round(length * rate) / rate  # some files round it
    return _Facts(
        clock=clock,
        usual=rate or next((each for each in told if each), _UNTOLD_RATE),
        length=length if length and length > 0 else None,
        frame_count=_told_count(stream),
        timed=timed,
        size=(first.width, first.height),
        aspect=stream.sample_aspect_ratio or Fraction(1),
        turn=Turn.of(first),
        bits=layout_of(first.format.name).bits,
        colour=colour_of(first),
        interlaced=first.interlaced_frame,
    )


def _beginning(
    container: InputContainer, stream: VideoStream, path: Path
) -> tuple[VideoFrame, list[int]]:
    """The first frame, and the ticks of a run of frames from it on, known without decoding."""
    said: list[str] = []
    stored: list[int] = []

    def watched() -> Iterator[Packet[VideoStream]]:
        for packet in packets(container, stream, said.append):
            ticks = packet.dts if packet.pts is None else packet.pts
            if ticks is not None and not packet.is_discard:
                stored.append(ticks)
            yield packet

    source = watched()
    first = next(decoded(decoder_of(stream), source, said.append), None)
    if first is None:
        raise UnreadableMediaError(
            f"{path} has no frame that can be decoded"
            + (f": FFmpeg says '{said[-1]}'." if said else "."),
            hint="It may be damaged or cut off; copy or download it again.",
        )
    sizes = accumulate(packet.size for packet in islice(source, _LOOK_AHEAD))
    for size in sizes:
        if size > _LOOK_AHEAD_BYTES:
            break
    run = sorted(ticks for ticks in stored if first.pts is None or ticks >= first.pts)
    return first, run[: max(len(run) - _REORDERED, _REORDERED)]


def _in_turn(
    decoder: VideoCodecContext, source: Iterator[Packet[VideoStream]], trouble: Trouble
) -> Iterator[VideoFrame]:
    """Decoded frames, the next one shown when the next packet that holds a frame is decoded."""
    turns: deque[int | None] = deque()

    def watched() -> Iterator[Packet[VideoStream]]:
        for packet in source:
            turns.append(packet.dts)
            yield packet

    for frame in decoded(decoder, watched(), trouble):
        frame.pts = turns.popleft() if turns else None
        yield frame


def _told_count(stream: VideoStream) -> int | None:
    """How many frames are shown, as an index that lists each of them tells."""
    if not stream.frames:
        return None
    return stream.frames - sum(entry.is_discard for entry in stream.index_entries)


def _told_end(stream: VideoStream) -> Fraction | None:
    """When the last frame ends, in the file's seconds: by an index, or by Matroska's tag."""
    if stream.frames and stream.duration and stream.time_base:
        return (begin_of(stream) or Fraction(0)) + stream.duration * stream.time_base
    tag = re.fullmatch(r"(\d+):(\d+):(\d+\.\d+)\0*", stream.metadata.get("DURATION", ""))
    return 3600 * int(tag[1]) + 60 * int(tag[2]) + Fraction(tag[3]) if tag else None


@dataclass
class _Place:
    """How far one reading has come.

    Attributes:
        time: of the last frame decoded, in seconds.
        frames: decoded so far; counted from the first frame of the video where `whole`.
        troubled, disordered: whether damage, or frames out of order, were noted already.
    """

    time: Fraction
    frames: int = 0
    whole: bool = True
    troubled: bool = False
    disordered: bool = False


@dataclass(frozen=True)
class _Video:
    """Reads a video, anew each time."""

    path: Path
    facts: _Facts
    notes: Notes

    def read(self, start: Fraction) -> Iterator[Frame]:
        """The frames that are shown at or after `start`, see `Clip.read`."""
        place = _Place(self.facts.clock.begin)
        held: tuple[Fraction, VideoFrame] | None = None
        for time, native in self._timed(start, place):
            if held is not None and time > start:
                yield self._frame(*held, time - held[0])
            held = time, native
        if held is not None:
            time, native = held
            duration = self._last_duration(native)
            self._check_end(time + duration, place)
            if time + duration > start:
                yield self._frame(time, native, duration)

    def _timed(self, start: Fraction, place: _Place) -> Iterator[tuple[Fraction, VideoFrame]]:
        """Decoded frames with their times, which increase."""
        clock = self.facts.clock
        for native in self._natives(start, place):
            if native.pts is not None:
                time = clock.time(native.pts)
            else:
                time = place.time + (1 / self.facts.usual if place.frames else 0)
            if place.frames and time <= place.time:
                self._out_of_order(time, place)
                continue
            place.time, place.frames = time, place.frames + 1
            if native.is_corrupt and time >= start:
                self._damage("parts of a picture are missing", place)
            yield time, native

    def _natives(self, start: Fraction, place: _Place) -> Iterator[VideoFrame]:
        """Decoded frames from the one shown at `start`, or from any before it."""
        clock = self.facts.clock
        if self.facts.timed and start > clock.begin:
            for earlier in (Fraction(0), _EARLIER_S):
                natives = self._pass(place, seek=clock.ticks(start - earlier))
                first = next(natives, None)
                if first is not None and clock.time(first.pts or 0) <= start:
                    place.whole = False
                    yield first
                    yield from natives
                    return
        yield from self._pass(place)

    def _pass(self, place: _Place, *, seek: int | None = None) -> Iterator[VideoFrame]:
        def trouble(words: str) -> None:
            self._damage(f"FFmpeg says '{words}'", place)

        with open_input(self.path) as container:
            stream = picture_stream(container, self.path)
            decoder = decoder_of(stream)
            if seek is not None:
                acquaint(decoder, container, stream)
            source = packets(container, stream, trouble, seek=seek)
            if self.facts.timed:
                yield from decoded(decoder, source, trouble, from_key=seek is not None)
            else:
                yield from _in_turn(decoder, source, trouble)

    def _frame(self, time: Fraction, native: VideoFrame, duration: Fraction) -> Frame:
        picture = to_picture(native, self.facts.colour)
        if self.facts.turn == Turn():
            return Frame(picture, time, duration, native)
        return Frame(self.facts.turn.applied(picture), time, duration)

    def _last_duration(self, native: VideoFrame) -> Fraction:
        stored = native.duration * self.facts.clock.tick
        return self.facts.clock.snap(stored) if stored else 1 / self.facts.usual

    def _out_of_order(self, time: Fraction, place: _Place) -> None:
        if place.time - time > _RESTART_S:
            self._damage(f"its times go back by {float(place.time - time):.0f} s", place)
        elif not place.disordered:
            place.disordered = True
            message = f"Frames of {self.path.name} that come out of order are left out."
            self.notes.add("times", message, "warning", place.time)

    def _check_end(self, end: Fraction, place: _Place) -> None:
        if self.facts.length is None:
            return
        told = self.facts.clock.begin + self.facts.length
        if told - end > _SLACK_S + 1 / self.facts.usual:
            self._damage(f"it should last until {float(told):.3f} s", place)

    def _damage(self, words: str, place: _Place) -> None:
        """Note the first damage of a reading; what follows is mostly its consequence."""
        if place.troubled:
            return
        place.troubled = True
        after = f"after {place.frames} frames " if place.whole else ""
        where = f"{after}at {float(place.time):.3f} s"
        message = f"{self.path.name} is damaged {where}: {words}. What can be read is used."
        self.notes.add("damage", message, "error", place.time)
