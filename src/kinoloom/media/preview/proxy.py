"""Write a copy of a film or a sound that every browser plays: H.264 and AAC in MP4.

The copy has the same frames at the same times from the clip's zero on, so that frame n of one is
frame n of the other. It is at most 1920x1080, in 8 bits of SDR, and has a key frame every half
second or so, which makes seeking fast.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from av.container import OutputContainer
from av.packet import Packet
from av.video.frame import PictureType, VideoFrame
from av.video.stream import VideoStream

from kinoloom.base.clip import Color
from kinoloom.base.files import Progress
from kinoloom.base.notes import Notes
from kinoloom.base.outputs import atomic_output
from kinoloom.errors import UnsupportedMediaError
from kinoloom.media.audio.reading import read_tracks
from kinoloom.media.audio.writing import add_sound
from kinoloom.media.container.inputs import find_picture_stream, open_input
from kinoloom.media.container.packets import TimedPacket
from kinoloom.media.frames.uniform import UniformFrames
from kinoloom.media.preview.display import fit, to_display
from kinoloom.media.preview.frame_times import FrameTimes
from kinoloom.media.video.codecs import VIDEO
from kinoloom.media.video.color import to_picture
from kinoloom.media.video.decoding import decode, open_decoder, read_packets
from kinoloom.media.video.encoding import open_output, tag_color, translate_errors
from kinoloom.media.video.inspection import Facts
from kinoloom.media.video.rotation import Rotation

_BOX = (1920, 1080)
_SETTINGS = {"preset": "veryfast", "crf": "21", "bf": "0", "g": "15"}
_LIMITED, _FULL = 1, 2  # FFmpeg's AVCOL_RANGE_MPEG and AVCOL_RANGE_JPEG
_BT709_MATRIX = 1  # FFmpeg's SWS_CS_ITU709
_SHOWN = Color(primaries=1, transfer=1, matrix=1, full_range=False)
_FINEST_HZ = 1_000_000
_USUAL_HZ = 90_000
_CONTAINER = VIDEO[".mp4"]


def write_film_proxy(path: Path, target: Path, progress: Progress) -> None:
    """Write the copy of a film with its sound.

    Args:
        path: the film.
        target: the MP4 file, replaced if it exists.
        progress: called with the number of frames done, and how many there are, None if unknown.

    Raises:
        MediaError: the film cannot be read.
        OutputError: the copy cannot be written.
    """
    with closing(FrameTimes(path)) as times:
        facts = times.facts
    with (
        atomic_output(target, overwrite=True) as temporary,
        translate_errors(target),
        ExitStack() as stack,
    ):
        out = stack.enter_context(open_output(temporary, _CONTAINER))
        stream = _add_stream(out, facts)
        tracks = [_add_sound(out, path, stack)]
        pictures = _encode(stream, _read(path, facts), facts, progress)
        for _, packet in heapq.merge(pictures, *tracks, key=lambda item: item[0]):
            out.mux(packet)


def write_sound_proxy(path: Path, target: Path, progress: Progress) -> None:
    """Write the copy of the first track of a sound file; the arguments are as above.

    Raises:
        MediaError: the file cannot be read, or has no sound.
        OutputError: the copy cannot be written.
    """
    with (
        atomic_output(target, overwrite=True) as temporary,
        translate_errors(target),
        ExitStack() as stack,
    ):
        out = stack.enter_context(open_output(temporary, _CONTAINER))
        length = next((track.duration for track in read_tracks(path)), None)
        total = None if length is None else round(length * 1000)
        is_empty = True
        for time, packet in _add_sound(out, path, stack):
            is_empty = False
            out.mux(packet)
            progress(max(0, round(time * 1000)), total)
        if is_empty:
            raise UnsupportedMediaError(f"{path} has no sound that can be decoded.")


def _add_sound(out: OutputContainer, path: Path, stack: ExitStack) -> Iterator[TimedPacket]:
    """Add the first sound track, encoded."""
    for track in read_tracks(path)[:1]:
        return add_sound(out, replace(track, origin=None), _CONTAINER, "aac", Notes(), stack)
    return iter(())


def _add_stream(out: OutputContainer, facts: Facts) -> VideoStream:
    width, height = _find_size(facts)
    stream = out.add_stream("libx264", rate=facts.nominal_rate, options=dict(_SETTINGS))
    context = stream.codec_context
    context.width, context.height, context.pix_fmt = width, height, "yuv420p"
    context.time_base = stream.time_base = _find_clock(facts)
    context.thread_count = 1
    tag_color(context, _find_color(facts))
    return stream


def _find_clock(facts: Facts) -> Fraction:
    tick = facts.clock.tick
    is_usual = tick.numerator == 1 and tick.denominator <= _FINEST_HZ
    return tick if is_usual else Fraction(1, _USUAL_HZ)


def _find_size(facts: Facts) -> tuple[int, int]:
    """Return the size with square pixels and even sides."""
    width, height = facts.size[0] * facts.aspect, Fraction(facts.size[1])
    if facts.rotation.is_sideways:
        width, height = height, width
    scale = min(Fraction(1), _BOX[0] / width, _BOX[1] / height)
    even = [max(2, 2 * round(side * scale / 2)) for side in (width, height)]
    return even[0], even[1]


def _is_plain(facts: Facts) -> bool:
    """Whether FFmpeg's scaler can convert the frames: SDR in YUV, not rotated."""
    is_yuv = facts.layout.kind == "yuv" and not facts.layout.alpha
    return is_yuv and not facts.color.is_hdr and facts.rotation == Rotation()


def _find_color(facts: Facts) -> Color:
    return replace(facts.color, full_range=False) if _is_plain(facts) else _SHOWN


def _read(path: Path, facts: Facts) -> Iterator[tuple[Fraction, VideoFrame]]:
    """Yield the frames of the film with their times on the clip's clock, as `FrameTimes` does."""
    problems: list[str] = []
    uniform = UniformFrames(facts.size, facts.pix_fmt, facts.color)
    latest: Fraction | None = None
    with open_input(path) as container:
        stream = find_picture_stream(container, path)
        packets = read_packets(container, stream, problems.append)
        for frame in decode(open_decoder(stream), packets, problems.append):
            if facts.timed and frame.pts is not None:
                time = frame.pts * facts.clock.tick - facts.clock.zero
            else:
                time = Fraction(0) if latest is None else latest + 1 / facts.nominal_rate
            if latest is None or time > latest:
                latest = time
                yield time, uniform.fit(frame)


def _encode(
    stream: VideoStream,
    frames: Iterator[tuple[Fraction, VideoFrame]],
    facts: Facts,
    progress: Progress,
) -> Iterator[TimedPacket]:
    clock = _find_clock(facts)
    total = facts.frame_count
    if total is None and facts.length is not None:
        total = round(facts.length * facts.nominal_rate)
    latest = -1
    for done, (time, native) in enumerate(frames, 1):
        shown = _convert(native, facts)
        latest = max(round(time / clock), latest + 1)
        shown.pts, shown.time_base = latest, clock
        shown.pict_type = PictureType.NONE
        tag_color(shown, _find_color(facts))
        yield from _list_timed(stream.encode(shown))
        progress(done, total)
    yield from _list_timed(stream.encode(None))


def _list_timed(packets: list[Packet[VideoStream]]) -> Iterator[TimedPacket]:
    for packet in packets:
        yield (packet.dts or 0) * packet.time_base, packet


def _convert(native: VideoFrame, facts: Facts) -> VideoFrame:
    width, height = _find_size(facts)
    if _is_plain(facts):
        return native.reformat(
            width,
            height,
            "yuv420p",
            src_color_range=_FULL if facts.color.full_range else _LIMITED,
            dst_color_range=_LIMITED,
            threads=1,
        )
    picture = facts.rotation.apply(to_picture(native, facts.color))
    shown = to_display(fit(picture, *_BOX), facts.color)[..., :3]
    frame = VideoFrame.from_ndarray(shown, "rgb24")
    return frame.reformat(
        width,
        height,
        "yuv420p",
        dst_colorspace=_BT709_MATRIX,
        dst_color_range=_LIMITED,
        threads=1,
    )
