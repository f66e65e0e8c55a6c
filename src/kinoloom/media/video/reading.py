"""Read videos as lazy clips.

In: a file of any container and codec that FFmpeg reads; animated WebP, and AVIF with alpha, are
read by Pillow (media/animation/reading.py). Out: a `Clip` of pictures (media/video/color.py) at
exact times (media/video/times.py), each with the decoder's own frame, and the sound tracks
(media/audio/reading.py).

Conventions: the zero of the clip's clock is the earliest time of pictures or sound in the file. The
display matrix is applied to the pictures; pixels are not resampled to squares; fields are not
separated. The readable part of a damaged file is returned, and the damage is noted. Frames are not
kept after they are yielded, so memory does not grow with length.
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

from kinoloom.base.budget import Budget
from kinoloom.base.clip import Clip, Color, Frame, HdrMetadata
from kinoloom.base.notes import Notes
from kinoloom.errors import UnreadableMediaError
from kinoloom.media.animation import reading as animated_in
from kinoloom.media.audio.reading import list_tracks
from kinoloom.media.container.inputs import (
    find_picture_stream,
    find_start,
    find_zero,
    list_sound_streams,
    open_input,
)
from kinoloom.media.limits import MAX_FRAME_S, MAX_RATE, check_animation_size, check_times
from kinoloom.media.memory import (
    estimate_animation,
    estimate_decoding,
    refuse_to_decode,
    refuse_to_read,
)
from kinoloom.media.photo.completeness import find_apng_damage
from kinoloom.media.video.color import read_color, to_picture
from kinoloom.media.video.decoding import (
    ErrorListener,
    decode,
    open_decoder,
    prime_decoder,
    read_packets,
)
from kinoloom.media.video.hdr import hdr_of
from kinoloom.media.video.planes import find_layout
from kinoloom.media.video.rotation import Rotation
from kinoloom.media.video.times import Clock, constant_rate, list_rates

_LOOK_AHEAD = 240
_LOOK_AHEAD_BYTES = 1 << 26
_MAX_REORDER = 16
"""The most frames that a codec reorders (H.264, H.265)."""
_DEFAULT_RATE = Fraction(25)
_SEEK_BACK_S = Fraction(10)
_MIN_CUT_OFF_S = Fraction(1, 10)
"""A video that ends earlier than its header says by more than this is truncated."""
_MIN_RESTART_S = 1
"""If times go back by more than this, the stream restarts; what follows is dropped."""
_UNTIMED = ("avi", "h264", "hevc", "m4v", "mpegvideo", "vc1")
"""Formats that store decoding times or none, but no display times."""
_MAX_RATE_ERROR = Fraction(1, 20)
"""The most by which the mean rate of a file may differ from the rate of its beginning."""


def open_video(path: Path, budget: Budget | None = None) -> Clip:
    """Open a video.

    If reading alone exceeds a memory limit, nothing is decoded, and the clip raises the error.
    `Clip.rate` is None if the rate varies; `duration` and `frame_count` are None if the container
    does not store them. Notes: "interlaced" (warning), "sound" (warning: a track that
    cannot be decoded), "hdr" (warning: metadata that is left out), and while frames are read
    "times" (warning: frames out of order) and "damage" (error).

    Raises:
        InputNotFoundError: the file does not exist.
        UnreadableMediaError: the file is a folder, empty, not media, or has no frame that can be
            decoded.
        UnsupportedMediaError: the file has no moving pictures, an unsupported codec, pixel format
            or colour matrix, or pictures above `limits.PIXEL_LIMIT`.
    """
    canvas = check_animation_size(path) if path.is_file() else (0, 0)
    needed = estimate_animation(*canvas, path.stat().st_size) if any(canvas) else 0
    if refused := refuse_to_read(path, canvas, needed, budget):
        return refused
    if animated_in.is_for_pillow(path):
        return animated_in.open_animation(path, budget)
    notes = Notes()
    with open_input(path) as container:
        zero = find_zero(container)
        stream = find_picture_stream(container, path)
        needed = needed or estimate_decoding(stream.codec_context)
        if refused := refuse_to_decode(path, stream, _find_end(stream), needed, budget):
            return refused
        facts = _inspect(container, stream, path, zero, notes)
        audio = list_tracks(container, path, zero)
        is_png = container.format.name == "apng"
        left_out = len(container.streams.audio) - len(list_sound_streams(container))
    if facts.interlaced:
        notes.add(
            "interlaced", f"{path.name} is interlaced; its fields are not separated.", "warning"
        )
    if is_png and (missing := find_apng_damage(path.read_bytes())):
        text = f"{path.name} is damaged: {missing}. The readable part is used."
        notes.add("damage", text, "error")
    if left_out:
        notes.add(
            "sound",
            f"{left_out} sound track(s) of {path.name} cannot be decoded, or have unusual sample "
            "rates or times; they are left out.",
            "warning",
        )
    width, height = facts.size[::-1] if facts.rotation.is_sideways else facts.size
    return Clip(
        _Video(path, facts, notes).read,
        width=width,
        height=height,
        rate=facts.clock.rate,
        duration=facts.length,
        frame_count=facts.frame_count,
        bits=facts.bits,
        color=facts.color,
        hdr=facts.hdr,
        pixel_aspect=1 / facts.aspect if facts.rotation.is_sideways else facts.aspect,
        audio=audio,
        files=(path,),
        origin=path,
        notes=notes,
        reading_bytes=needed,
        budget=budget,
    )


@dataclass(frozen=True)
class _Facts:
    """Properties of a whole video.

    Attributes:
        clock: converts the times of its frames.
        nominal_rate: frames per second; approximate if the rate varies.
        length: from the first frame to the end of the last in seconds, as the container stores it;
            None if it does not.
        timed: whether the file stores display times. If not, frames are shown at the decoding
            times of their packets, or one frame interval after the previous frame.
        size, aspect, bits, color, hdr, interlaced: of the first frame as stored.
    """

    clock: Clock
    nominal_rate: Fraction
    length: Fraction | None
    frame_count: int | None
    timed: bool
    size: tuple[int, int]
    aspect: Fraction
    rotation: Rotation
    bits: int
    color: Color
    hdr: HdrMetadata | None
    interlaced: bool


def _inspect(
    container: InputContainer, stream: VideoStream, path: Path, zero: Fraction, notes: Notes
) -> _Facts:
    """Decode the first frame and inspect the packets after it."""
    first, stored = _read_beginning(container, stream, path)
    tick = stream.time_base or 1 / _DEFAULT_RATE
    rates = [stream.average_rate, stream.guessed_rate, stream.base_rate]
    declared = list_rates(rates, len(stored), first.duration * tick)
    rate = constant_rate(stored, tick, declared)
    average = (
        stream.average_rate if stream.frames else None
    )  # of the whole file, if its frames are counted
    if rate and average and abs(average / rate - 1) > _MAX_RATE_ERROR:
        rate = None
    timed = first.pts is not None and container.format.name not in _UNTIMED
    clock = Clock(tick=tick, zero=zero, first=first.pts if timed and first.pts else 0, rate=rate)
    end = _find_end(stream)
    length = None if end is None else end - zero - clock.begin
    if rate and length is not None:
        length = round(length * rate) / rate  # some files store it rounded
    times = [(ticks - min(stored)) * tick + clock.begin for ticks in stored] or [clock.begin]
    check_times(path, times, rate or (declared[0] if len(stored) < 2 else None), length)
    color = read_color(first)
    return _Facts(
        clock=clock,
        nominal_rate=rate or next((r for r in declared if r and r <= MAX_RATE), _DEFAULT_RATE),
        length=length if length and length > 0 else None,
        frame_count=_find_frame_count(stream),
        timed=timed,
        size=(first.width, first.height),
        aspect=stream.sample_aspect_ratio or Fraction(1),
        rotation=Rotation.from_frame(first),
        bits=find_layout(first.format.name).bits,
        color=color,
        hdr=hdr_of(first, notes) if color.is_hdr else None,
        interlaced=first.interlaced_frame,
    )


def _read_beginning(
    container: InputContainer, stream: VideoStream, path: Path
) -> tuple[VideoFrame, list[int]]:
    """Return the first frame, and the ticks of consecutive frames from the first on."""
    errors: list[str] = []
    stored: list[int] = []

    def watched() -> Iterator[Packet[VideoStream]]:
        for packet in read_packets(container, stream, errors.append):
            ticks = packet.dts if packet.pts is None else packet.pts
            if ticks is not None and not packet.is_discard:
                stored.append(ticks)
            yield packet

    source = watched()
    first = next(decode(open_decoder(stream), source, errors.append), None)
    if first is None:
        raise UnreadableMediaError(
            f"{path} has no frame that can be decoded"
            + (f": FFmpeg reports '{errors[-1]}'." if errors else "."),
            hint="It may be damaged or truncated; copy or download it again.",
        )
    sizes = accumulate(packet.size for packet in islice(source, _LOOK_AHEAD))
    for size in sizes:
        if size > _LOOK_AHEAD_BYTES:
            break
    run = sorted(ticks for ticks in stored if first.pts is None or ticks >= first.pts)
    return first, run[: max(len(run) - _MAX_REORDER, _MAX_REORDER)]


def _decode_untimed(
    decoder: VideoCodecContext, source: Iterator[Packet[VideoStream]], on_error: ErrorListener
) -> Iterator[VideoFrame]:
    """Yield decoded frames with the decoding times of their packets as display times."""
    times: deque[int | None] = deque()

    def watched() -> Iterator[Packet[VideoStream]]:
        for packet in source:
            times.append(packet.dts)
            yield packet

    for frame in decode(decoder, watched(), on_error):
        frame.pts = times.popleft() if times else None
        yield frame


def _find_frame_count(stream: VideoStream) -> int | None:
    """Return the number of displayed frames, if the file has an index of all frames."""
    if not stream.frames:
        return None
    return stream.frames - sum(entry.is_discard for entry in stream.index_entries)


def _find_end(stream: VideoStream) -> Fraction | None:
    """Return when the last frame ends, in the file's seconds: from an index or Matroska's tag."""
    if stream.frames and stream.duration and stream.time_base:
        return (find_start(stream) or Fraction(0)) + stream.duration * stream.time_base
    tag = re.fullmatch(r"(\d+):(\d+):(\d+\.\d+)\0*", stream.metadata.get("DURATION", ""))
    return 3600 * int(tag[1]) + 60 * int(tag[2]) + Fraction(tag[3]) if tag else None


@dataclass
class _Progress:
    """The progress of one pass through a video.

    Attributes:
        time: of the last frame decoded, in seconds.
        frames: number decoded so far; from the first frame of the video if `whole`.
        damaged, disordered: whether damage, or frames out of order, were noted already.
    """

    time: Fraction
    frames: int = 0
    whole: bool = True
    damaged: bool = False
    disordered: bool = False


@dataclass(frozen=True)
class _Video:
    """A video that can be read repeatedly."""

    path: Path
    facts: _Facts
    notes: Notes

    def read(self, start: Fraction) -> Iterator[Frame]:
        """Yield the frames that are shown at or after `start`; see `Clip.read`."""
        progress = _Progress(self.facts.clock.begin)
        held: tuple[Fraction, VideoFrame] | None = None
        for time, native in self._read_timed(start, progress):
            if held is not None and time > start:
                yield self._frame(*held, time - held[0])
            held = time, native
        if held is not None:
            time, native = held
            duration = self._last_duration(native)
            self._check_end(time + duration, progress)
            if time + duration > start:
                yield self._frame(time, native, duration)

    def _read_timed(
        self, start: Fraction, progress: _Progress
    ) -> Iterator[tuple[Fraction, VideoFrame]]:
        """Yield decoded frames with their times, which increase."""
        clock = self.facts.clock
        for native in self._read_natives(start, progress):
            if native.pts is not None:
                time = clock.time(native.pts)
            else:
                time = progress.time + (1 / self.facts.nominal_rate if progress.frames else 0)
            if progress.frames and time <= progress.time:
                self._out_of_order(time, progress)
                continue
            if progress.frames and time - progress.time > MAX_FRAME_S:
                self._damage(f"a frame lasts {float(time - progress.time):.0f} s", progress)
                return
            progress.time, progress.frames = time, progress.frames + 1
            if native.is_corrupt and time >= start:
                self._damage("a picture is incomplete", progress)
            yield time, native

    def _read_natives(self, start: Fraction, progress: _Progress) -> Iterator[VideoFrame]:
        """Yield decoded frames from the one shown at `start`, or from an earlier one."""
        clock = self.facts.clock
        if self.facts.timed and start > clock.begin:
            for earlier in (Fraction(0), _SEEK_BACK_S):
                natives = self._decode_pass(progress, seek=clock.ticks(start - earlier))
                first = next(natives, None)
                if first is not None and clock.time(first.pts or 0) <= start:
                    progress.whole = False
                    yield first
                    yield from natives
                    return
        yield from self._decode_pass(progress)

    def _decode_pass(self, progress: _Progress, *, seek: int | None = None) -> Iterator[VideoFrame]:
        def on_error(message: str) -> None:
            self._damage(f"FFmpeg reports '{message}'", progress)

        with open_input(self.path) as container:
            stream = find_picture_stream(container, self.path)
            decoder = open_decoder(stream)
            if seek is not None:
                prime_decoder(decoder, container, stream)
            source = read_packets(container, stream, on_error, seek=seek)
            if self.facts.timed:
                yield from decode(decoder, source, on_error, from_key=seek is not None)
            else:
                yield from _decode_untimed(decoder, source, on_error)

    def _frame(self, time: Fraction, native: VideoFrame, duration: Fraction) -> Frame:
        picture = to_picture(native, self.facts.color)
        if self.facts.rotation == Rotation():
            return Frame(picture, time, duration, native)
        return Frame(self.facts.rotation.apply(picture), time, duration)

    def _last_duration(self, native: VideoFrame) -> Fraction:
        stored = native.duration * self.facts.clock.tick
        return self.facts.clock.snap(stored) if stored else 1 / self.facts.nominal_rate

    def _out_of_order(self, time: Fraction, progress: _Progress) -> None:
        if progress.time - time > _MIN_RESTART_S:
            self._damage(f"its times jump back by {float(progress.time - time):.0f} s", progress)
        elif not progress.disordered:
            progress.disordered = True
            message = f"Frames of {self.path.name} that are out of order are left out."
            self.notes.add("times", message, "warning", progress.time)

    def _check_end(self, end: Fraction, progress: _Progress) -> None:
        if self.facts.length is None:
            return
        declared = self.facts.clock.begin + self.facts.length
        if declared - end > _MIN_CUT_OFF_S + 1 / self.facts.nominal_rate:
            self._damage(f"it should last until {float(declared):.3f} s", progress)

    def _damage(self, message: str, progress: _Progress) -> None:
        """Note the first damage of a pass; further errors mostly follow from it."""
        if progress.damaged:
            return
        progress.damaged = True
        after = f"after {progress.frames} frames " if progress.whole else ""
        where = f"{after}at {float(progress.time):.3f} s"
        text = f"{self.path.name} is damaged {where}: {message}. The readable part is used."
        self.notes.add("damage", text, "error", progress.time)
