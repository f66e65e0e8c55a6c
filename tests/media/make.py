"""Test media: small real files, encoded by PyAV.

Each frame shows its number: `picture(k)` draws the bits of k as bright and dark bars, and
`read_number` reads them from a decoded frame, also after lossy coding. Sound is clicks at known
times, which `click_times` finds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from math import gcd
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from kinoloom.base.clip import Color
from kinoloom.media.video.scheduling import keep_scheduling

Picture = NDArray[Any]
_BARS = 8
_CLICK_S = Fraction(1, 200)


@dataclass(frozen=True)
class Sound:
    """A sound track: a click at each multiple of `every`.

    Attributes:
        codec: FFmpeg's encoder.
        rate_hz, layout: of the samples.
        start: time of the first sample, in seconds; a multiple of 1 / rate_hz.
        seconds: duration.
        every: interval of the clicks, in seconds; the first is at time 0 of the file.
        language: ISO 639-2 code.
    """

    codec: str = "aac"
    rate_hz: int = 48000
    layout: str = "stereo"
    start: Fraction = Fraction(0)
    seconds: Fraction = Fraction(1)
    every: Fraction = Fraction(1, 4)
    language: str = ""


@dataclass(frozen=True)
class Video:
    """A video to encode; the defaults suit most tests.

    Attributes:
        frames: number of frames.
        size: width and height in pixels.
        rate: frames per second; also the nominal rate if `ticks` is given.
        codec, pix_fmt, options: FFmpeg's encoder, its pixel format and settings.
        ticks: the times of the frames in units of `time_base`, then the end of the last one;
            None for a constant rate.
        time_base: the unit of `ticks`, in seconds.
        start: added to all times of pictures, in seconds.
        color: tags to write; None for a file without tags.
        rotation: degrees by which players rotate the picture counter-clockwise.
        mirrored: whether players then mirror it left to right.
        pixel_aspect: width of a pixel divided by its height.
        sounds: the sound tracks.
        draw: draws the picture of a number, as (height, width, 3 or 4) uint8 or uint16.
        tags: of the file.
        muxer: options of FFmpeg's muxer.
    """

    frames: int = 10
    size: tuple[int, int] = (64, 48)
    rate: Fraction = Fraction(25)
    codec: str = "libx264"
    pix_fmt: str = "yuv420p"
    options: dict[str, str] = field(default_factory=dict)
    ticks: Sequence[int] | None = None
    time_base: Fraction = Fraction(1, 1000)
    start: Fraction = Fraction(0)
    color: Color | None = None
    rotation: int = 0
    mirrored: bool = False
    pixel_aspect: Fraction | None = None
    sounds: tuple[Sound, ...] = ()
    draw: Callable[[int, int, int], Picture] | None = None
    tags: dict[str, str] = field(default_factory=dict)
    muxer: dict[str, str] = field(default_factory=dict)


def picture(number: int, width: int = 64, height: int = 48) -> NDArray[np.uint8]:
    """Draw a number 0..255: its bits as bars above, a colour ramp below."""
    image = np.empty((height, width, 3), np.uint8)
    image[..., 0] = np.linspace(60, 200, width)
    image[..., 1] = np.linspace(200, 60, height)[:, None]
    image[..., 2] = 128
    for bar in range(_BARS):
        columns = slice(bar * width // _BARS, (bar + 1) * width // _BARS)
        image[: height // 2, columns] = 220 if number >> bar & 1 else 40
    return image


def read_number(image: Picture) -> int:
    """Read the number from a `picture` of at least 24x8 pixels, after any codec."""
    top = 255 if image.dtype == np.uint8 else 65535
    height, width = image.shape[:2]
    row = image[height // 8 : height // 4 + 1, :, 1].mean(0) / top
    centres = [(2 * bar + 1) * width // (2 * _BARS) for bar in range(_BARS)]
    return sum(int(row[x] > 0.5) << bar for bar, x in enumerate(centres))


def clicks(sound: Sound) -> NDArray[np.float32]:
    """Return the samples of a sound track, (channels, n) float32."""
    channels = av.AudioLayout(sound.layout).nb_channels
    n = int(sound.seconds * sound.rate_hz)
    wave = np.zeros((channels, n), np.float32)
    length = int(_CLICK_S * sound.rate_hz)
    burst = 0.8 * np.sin(2 * np.pi * 1500 / sound.rate_hz * np.arange(length))
    first = -(-sound.start // sound.every)
    last = (sound.start + sound.seconds) // sound.every
    for k in range(first, last + 1):
        at = int((k * sound.every - sound.start) * sound.rate_hz)
        wave[:, at : at + length] = burst[: max(0, n - at)]
    return wave


def click_times(samples: NDArray[np.float32], rate_hz: int) -> list[float]:
    """Return when the clicks in (n, channels) samples start, in seconds after the first sample."""
    loud = np.flatnonzero(np.abs(samples).max(1) > 0.3)
    begins = loud[np.diff(loud, prepend=-rate_hz) > rate_hz // 20]
    return [float(at) / rate_hz for at in begins]


def make(path: Path, video: Video | None = None, **changes: Any) -> Path:
    """Encode a video; the suffix of `path` determines the container."""
    video = video or Video(**changes)
    with av.open(str(path), "w", container_options=video.muxer) as file:
        file.metadata.update(video.tags)
        pictures = _picture_stream(file, video)
        tracks = [(sound, _sound_stream(file, sound)) for sound in video.sounds]
        packets = [*_picture_packets(pictures, video)]
        for sound, stream in tracks:
            packets += _sound_packets(stream, sound)
        file.start_encoding()  # also without any packet
        for packet in sorted(packets, key=lambda p: p.dts * p.time_base):
            file.mux(packet)
    return path


def make_sound(path: Path, *sounds: Sound) -> Path:
    """Encode a file with sound tracks only."""
    with av.open(str(path), "w") as file:
        tracks = [(sound, _sound_stream(file, sound)) for sound in sounds or (Sound(),)]
        for sound, stream in tracks:
            for packet in _sound_packets(stream, sound):
                file.mux(packet)
    return path


def truncate(path: Path, keep: float) -> Path:
    """Truncate a file to a fraction of its bytes, and return the path."""
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * keep)])
    return path


def scratch(path: Path, at: float, size: int = 200) -> Path:
    """Overwrite `size` bytes with noise, starting at a fraction of the file; return the path."""
    data = bytearray(path.read_bytes())
    begin = int(len(data) * at)
    data[begin : begin + size] = np.random.default_rng(0).bytes(size)
    path.write_bytes(data)
    return path


def _picture_stream(file: Any, video: Video) -> Any:
    stream = file.add_stream(video.codec, rate=video.rate, options=video.options)
    context = stream.codec_context
    context.width, context.height = video.size
    context.pix_fmt = video.pix_fmt
    context.time_base = stream.time_base = _unit(video)
    if video.pixel_aspect is not None:
        context.sample_aspect_ratio = video.pixel_aspect
    if video.color is not None:
        context.color_primaries = video.color.primaries
        context.color_trc = video.color.transfer
        context.colorspace = video.color.matrix
        context.color_range = 2 if video.color.full_range else 1
    if video.rotation or video.mirrored:
        stream.set_display_rotation(video.rotation, hflip=video.mirrored)
    with keep_scheduling():
        context.open()
    return stream


def _sound_stream(file: Any, sound: Sound) -> Any:
    stream = file.add_stream(sound.codec, rate=sound.rate_hz)
    stream.layout = sound.layout
    if sound.language:
        stream.metadata["language"] = sound.language
    return stream


def _picture_packets(stream: Any, video: Video) -> list[Any]:
    times = _times(video)
    lengths = {a: b - a for a, b in pairwise(times)}
    draw = video.draw or picture
    packets = []
    for number, pts in enumerate(times[:-1]):
        image = np.ascontiguousarray(draw(number, *video.size))
        frame = _native(image, video)
        frame.pts, frame.time_base, frame.duration = pts, _unit(video), lengths[pts]
        packets += stream.encode(frame)
    packets += stream.encode(None)
    for packet in packets:
        packet.duration = lengths.get(packet.pts, packet.duration)
    return packets


def _native(image: Picture, video: Video) -> Any:
    depth = "rgba" if image.shape[2] == 4 else "rgb24"
    if image.dtype == np.uint16:
        depth = "rgba64le" if image.shape[2] == 4 else "rgb48le"
    color = video.color or Color(matrix=5)
    frame = av.VideoFrame.from_ndarray(image, depth)
    limited = not color.full_range and "yuvj" not in video.pix_fmt
    native = frame.reformat(
        format=video.pix_fmt,
        dst_colorspace={1: 1, 9: 9}.get(color.matrix, 5),
        dst_color_range=1 if limited else 2,
        threads=1,  # see media/video/planes.py
    )
    if video.color is not None:
        native.color_primaries, native.color_trc = color.primaries, color.transfer
    return native


def _sound_packets(stream: Any, sound: Sound) -> list[Any]:
    wave = clicks(sound)
    resampler = av.AudioResampler(stream.format, sound.layout, sound.rate_hz)
    packets = []
    first = int(sound.start * sound.rate_hz)
    for at in range(0, wave.shape[1], 1000):
        block = np.ascontiguousarray(wave[:, at : at + 1000])
        frame = av.AudioFrame.from_ndarray(block, "fltp", sound.layout)
        frame.sample_rate, frame.pts = sound.rate_hz, first + at
        frame.time_base = Fraction(1, sound.rate_hz)
        for resampled in resampler.resample(frame):
            packets += stream.encode(resampled)
    return [*packets, *stream.encode(None)]


def _unit(video: Video) -> Fraction:
    """Return the largest unit in which all times of the pictures are integers."""
    step = video.time_base if video.ticks is not None else 1 / video.rate
    other = video.start or step
    top = gcd(step.numerator * other.denominator, other.numerator * step.denominator)
    return Fraction(top, step.denominator * other.denominator)


def _times(video: Video) -> list[int]:
    """Return the times of the frames and the end of the last, in `_unit`s."""
    step = video.time_base if video.ticks is not None else 1 / video.rate
    ticks = range(video.frames + 1) if video.ticks is None else video.ticks
    return [int((video.start + k * step) / _unit(video)) for k in ticks]
