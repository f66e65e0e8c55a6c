"""Clips in memory for tests of writers, and an independent reader of their output."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
from make import picture, read_number

from kinoloom.base import Audio, Clip, Color, Frame, Provenance

SRGB = Color(primaries=1, transfer=13, matrix=0, full_range=True)
HDR = Color(primaries=9, transfer=16, matrix=9)


def film(
    frames: int = 12,
    rate: Fraction | None = Fraction(25),
    *,
    times: list[Fraction] | None = None,
    start: Fraction = Fraction(0),
    size: tuple[int, int] = (64, 48),
    bits: int = 8,
    alpha: float | None = None,
    **fields: Any,
) -> Clip:
    """Return a clip of numbered pictures.

    Args:
        frames: number of frames, below 256.
        rate: frames per second; ignored if `times` is given.
        times: start of each frame, then the end of the last one, in seconds.
        start: start of the first frame, in seconds.
        size: width and height.
        bits: above 8 makes the pictures uint16.
        alpha: of the left half, 0..1; None for pictures without alpha.
        **fields: any other of `Clip`.
    """
    if times is None:
        step = 1 / (rate or Fraction(25))
        times = [start + k * step for k in range(frames + 1)]
    else:
        rate = None
    pictures = [
        Frame(draw_picture(k, size, bits, alpha), begin, end - begin)
        for k, (begin, end) in enumerate(pairwise(times))
    ]
    known = {"rate": rate, "bits": bits, "color": SRGB}
    return Clip.from_frames(pictures, **(known | fields))


def draw_picture(number: int, size: tuple[int, int], bits: int, alpha: float | None) -> Any:
    image = picture(number, *size)
    if alpha is not None:
        plane = np.full((*image.shape[:2], 1), 255, np.uint8)
        plane[:, : size[0] // 2] = round(alpha * 255)
        image = np.concatenate([image, plane], axis=2)
    return image if bits == 8 else image.astype(np.uint16) * 257


def make_record(**options: Any) -> Provenance:
    """Return a provenance record."""
    return Provenance("interpolate", options)


def sound(seconds: float = 1.0, rate_hz: int = 48000, **fields: Any) -> Audio:
    """Return a sound track of clicks: 5 ms of tone at each quarter of a second."""
    samples = np.zeros((int(seconds * rate_hz), 2), np.float32)
    burst = 0.8 * np.sin(2 * np.pi * 1500 / rate_hz * np.arange(rate_hz // 200))
    for quarter in range(int(seconds * 4)):
        begin = quarter * rate_hz // 4
        samples[begin : begin + len(burst)] = burst[: len(samples) - begin, None]

    def read() -> Iterator[Any]:
        yield from np.split(samples, range(1000, len(samples), 1000))

    return Audio(read, rate_hz, 2, "stereo", **fields)


@dataclass(frozen=True)
class Seen:
    """The content of a video file, decoded by FFmpeg only.

    Attributes:
        form: the container's name.
        codec, pix_fmt: of the pictures.
        numbers: of the pictures, in order.
        times: display times, in seconds.
        duration: of the container in seconds.
        rate: from the container.
        size: width and height.
        aspect: of the pixels.
        color: tags.
        tags: of the file, names in lower case.
    """

    form: str
    codec: str
    pix_fmt: str
    numbers: list[int]
    times: list[Fraction]
    duration: Fraction
    rate: Fraction | None
    size: tuple[int, int]
    aspect: Fraction
    color: Color
    tags: dict[str, str]

    @property
    def record(self) -> dict[str, Any]:
        """The provenance record in the tags."""
        texts = [text for text in self.tags.values() if text.startswith('{"kinoloom":')]
        assert len(texts) == 1
        return dict(json.loads(texts[0]))


def look(path: Path) -> Seen:
    """Decode the film in a file."""
    with av.open(str(path)) as file:
        stream = file.streams.video[-1]
        frames = list(file.decode(stream))
        context = stream.codec_context
        full = context.color_range == 2
        color = (context.color_primaries, context.color_trc, context.colorspace, full)
        return Seen(
            form=file.format.name,
            codec=context.codec.canonical_name,
            pix_fmt=frames[0].format.name,
            numbers=[read_number(frame.to_ndarray(format="rgb24")) for frame in frames],
            times=[frame.pts * frame.time_base for frame in frames],
            duration=Fraction(file.duration or 0, av.time_base),
            rate=stream.average_rate,
            size=(frames[0].width, frames[0].height),
            aspect=Fraction(stream.sample_aspect_ratio or 1),
            color=Color(*color),
            tags={name.lower(): text for name, text in file.metadata.items()},
        )


def decode_pictures(path: Path) -> list[Any]:
    """Return all decoded frames as arrays, in the decoder's own format."""
    with av.open(str(path)) as file:
        return [frame.to_ndarray() for frame in file.decode(video=0)]
