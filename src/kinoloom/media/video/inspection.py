"""Inspect the beginning of a video: its times, size, colours and rotation.

In: an open file and its picture stream. Out: `Facts`, which hold for the whole video.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate, islice
from pathlib import Path

import av
from av.container import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from kinoloom.base.clip import Color, HdrMetadata
from kinoloom.base.notes import Notes
from kinoloom.errors import UnreadableMediaError
from kinoloom.media.container.inputs import find_start
from kinoloom.media.container.restarts import find_restarts
from kinoloom.media.limits import MAX_RATE, check_times
from kinoloom.media.video.color import read_color
from kinoloom.media.video.decoding import decode, open_decoder, read_packets
from kinoloom.media.video.hdr import hdr_of
from kinoloom.media.video.planes import Layout, find_layout
from kinoloom.media.video.rotation import Rotation
from kinoloom.media.video.times import Clock, constant_rate, find_film_rate, list_rates

_LOOK_AHEAD = 240
_LOOK_AHEAD_BYTES = 1 << 26
_MAX_REORDER = 16
"""The most frames that a codec reorders (H.264, H.265)."""
_DEFAULT_RATE = Fraction(25)
_UNTIMED = ("avi", "h264", "hevc", "m4v", "mpegvideo", "vc1")
"""Formats that store decoding times or none, but no display times."""
_ANIMATIONS = ("apng", "gif", "webp_pipe", "png_pipe", "image2")
_MAX_RATE_ERROR = Fraction(1, 20)
"""The most by which the mean rate of a file may differ from the rate of its beginning."""


@dataclass(frozen=True)
class Facts:
    """Properties of a whole video.

    Attributes:
        clock: converts the times of its frames.
        nominal_rate: frames per second; approximate if the rate varies.
        length: from the first frame to the end of the last in seconds, as the container stores it;
            None if it does not.
        rough_length: the same as estimated from the file's size; 0 if unknown.
        timed: whether the file stores display times. If not, frames are shown at the decoding
            times of their packets, or one frame interval after the previous frame.
        seekable: whether times increase through the file, so that it can be searched by time.
        size, pix_fmt, aspect, color, hdr, is_flagged: of the first frame as stored; `is_flagged`
            is whether it is marked as interlaced.
        is_animation: whether the file is an animated picture.
        codec: FFmpeg's name of the codec.
    """

    clock: Clock
    nominal_rate: Fraction
    length: Fraction | None
    rough_length: Fraction
    frame_count: int | None
    timed: bool
    seekable: bool
    size: tuple[int, int]
    pix_fmt: str
    codec: str
    aspect: Fraction
    rotation: Rotation
    color: Color
    hdr: HdrMetadata | None
    is_flagged: bool
    is_animation: bool

    @property
    def layout(self) -> Layout:
        """What the pixel format stores."""
        return find_layout(self.pix_fmt)


def inspect_video(
    container: InputContainer, stream: VideoStream, path: Path, zero: Fraction, notes: Notes
) -> Facts:
    """Decode the first frame and inspect the packets after it."""
    first, stored = _read_beginning(container, stream, path)
    timed = first.pts is not None and container.format.name not in _UNTIMED
    begin = first.pts if timed and first.pts else 0
    clock = _build_clock(first, stream, stored, begin, zero)
    rate = clock.rate
    declared = _list_declared(first, stream, stored)
    end = find_end(stream)
    length = None if end is None else end - zero - clock.begin
    if rate and length is not None:
        length = round(length * rate) / rate  # some files store it rounded
    times = [(ticks - min(stored)) * clock.tick + clock.begin for ticks in stored]
    only_rate = declared[0] if len(stored) < 2 else None
    check_times(path, times or [clock.begin], rate or only_rate, length)
    color = read_color(first)
    return Facts(
        clock=clock,
        nominal_rate=rate or next((r for r in declared if r and r <= MAX_RATE), _DEFAULT_RATE),
        length=length if length and length > 0 else None,
        rough_length=Fraction(container.duration or 0, av.time_base),
        frame_count=_find_frame_count(stream),
        timed=timed,
        seekable=timed and not find_restarts(container),
        size=(first.width, first.height),
        pix_fmt=first.format.name,
        codec=stream.codec_context.codec.canonical_name,
        aspect=stream.sample_aspect_ratio or Fraction(1),
        rotation=Rotation.from_frame(first),
        color=color,
        hdr=hdr_of(first, notes) if color.is_hdr else None,
        is_flagged=first.interlaced_frame,
        is_animation=container.format.name in _ANIMATIONS,
    )


def _list_declared(
    first: VideoFrame, stream: VideoStream, stored: list[int]
) -> list[Fraction | None]:
    """Return the rates that the file declares, best first."""
    rates = [stream.average_rate, stream.guessed_rate, stream.base_rate]
    tick = stream.time_base or 1 / _DEFAULT_RATE
    return list_rates(rates, len(stored), first.duration * tick)


def _build_clock(
    first: VideoFrame, stream: VideoStream, stored: list[int], begin: int, zero: Fraction
) -> Clock:
    """Return the clock that explains the stored times of consecutive frames."""
    tick = stream.time_base or 1 / _DEFAULT_RATE
    rate = constant_rate(stored, tick, _list_declared(first, stream, stored))
    average = stream.average_rate if stream.frames else None  # of the whole file
    if rate and average and abs(average / rate - 1) > _MAX_RATE_ERROR:
        rate = None
    film_rate = None if rate else find_film_rate(stored, tick)
    half_a_field = 1 / (5 * film_rate) if film_rate else Fraction(0)
    return Clock(tick, zero, begin, rate or film_rate, half_a_field)


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


def _find_frame_count(stream: VideoStream) -> int | None:
    """Return the number of displayed frames, if the file has an index of all frames."""
    if not stream.frames:
        return None
    return stream.frames - sum(entry.is_discard for entry in stream.index_entries)


def find_end(stream: VideoStream) -> Fraction | None:
    """Return when the last frame ends, in the file's seconds: from an index or Matroska's tag."""
    if stream.frames and stream.duration and stream.time_base:
        return (find_start(stream) or Fraction(0)) + stream.duration * stream.time_base
    tag = re.fullmatch(r"(\d+):(\d+):(\d+\.\d+)\0*", stream.metadata.get("DURATION", ""))
    return 3600 * int(tag[1]) + 60 * int(tag[2]) + Fraction(tag[3]) if tag else None
