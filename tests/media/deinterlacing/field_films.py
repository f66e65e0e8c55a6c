"""Interlaced, telecined and progressive test films, encoded by real encoders.

Each moment shows its number (`make.picture`, in Gray code) above a texture that moves sideways. In
plain binary, the lowest bar of every second field would never change and look like still detail.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from make import picture, read_number

from kinoloom.base.clip import Clip
from kinoloom.media.deinterlacing.combing import measure_combing, split_fields

Picture = Any
SIZE = (160, 96)
NTSC = Fraction(30000, 1001)
COMBED = 1.0
"""Energy of combing (`combing.Combing.own`) that a person sees; joined fields have 3 and more."""
TOP_FIRST = {"flags": "+ildct+ilme", "x264-params": "tff=1"}
BOTTOM_FIRST = {"flags": "+ildct+ilme", "x264-params": "bff=1"}


def moment(number: int, scene: int = 0) -> Picture:
    """Draw the picture of a moment, (96, 160, 3) uint8."""
    width, height = SIZE
    rng = np.random.default_rng(scene)
    coarse = rng.integers(30, 225, (12, 160, 3)).astype(np.float32)
    large = cv2.resize(coarse, (1600, height), interpolation=cv2.INTER_CUBIC)
    begin = 40 + 7 * (number % 200)
    image = np.clip(large[:, begin : begin + width], 0, 255).astype(np.uint8)
    image[: height // 2] = picture(number ^ number >> 1, width, height)[: height // 2]
    return image


def read_moment(image: Picture) -> int:
    """Read the number of a `moment`."""
    code = number = read_number(image)
    while code := code >> 1:
        number ^= code
    return number


def join(top: Picture, bottom: Picture) -> Picture:
    """Return a frame with the even rows of one picture and the odd rows of another."""
    frame = top.copy()
    frame[1::2] = bottom[1::2]
    return frame


def interlace(moments: Sequence[Picture], *, top_first: bool = True) -> list[Picture]:
    """Return one frame for two moments."""
    pairs = zip(moments[::2], moments[1::2], strict=True)
    return [join(a, b) if top_first else join(b, a) for a, b in pairs]


def telecine(film: Sequence[Picture]) -> list[Picture]:
    """Return video with 3:2 pulldown, top field first: five frames for four film frames."""
    fields = [frame for k, frame in enumerate(film) for frame in [frame] * (2 + k % 2)]
    return interlace(fields[: len(fields) // 2 * 2])


def shift_fields(film: Sequence[Picture]) -> list[Picture]:
    """Return frames with the bottom field of the film frame before."""
    return [join(after, before) for before, after in pairwise(film)]


def moments(count: int, first: int = 0, scene: int = 0) -> list[Picture]:
    """Return consecutive moments."""
    return [moment(number, scene) for number in range(first, first + count)]


def encode(
    path: Path,
    frames: Sequence[Picture],
    rate: Fraction = NTSC,
    codec: str = "libx264",
    options: dict[str, str] | None = None,
    pix_fmt: str = "yuv420p",
) -> Path:
    """Encode frames of one size."""
    with av.open(str(path), "w") as file:
        stream: Any = file.add_stream(codec, rate=rate, options={"crf": "10", **(options or {})})
        if codec != "libx264":
            stream.options = options or {}
        stream.width, stream.height = frames[0].shape[1::-1]
        stream.pix_fmt = pix_fmt
        for frame in frames:
            native = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), "rgb24")
            file.mux(stream.encode(_keep_rows(native, pix_fmt)))
        file.mux(stream.encode(None))
    return path


def _keep_rows(native: av.VideoFrame, pix_fmt: str) -> av.VideoFrame:
    """Convert a frame field by field, so that the chroma of the fields is not mixed."""
    from kinoloom.base.clip import Color
    from kinoloom.media.video.color import to_native
    from kinoloom.media.video.planes import find_layout, join_planes, split_planes

    image, layout = native.to_ndarray(), find_layout(pix_fmt)
    fields = [to_native(image[row::2], pix_fmt, Color(matrix=6)) for row in (0, 1)]
    planes = []
    for pair in zip(*(split_planes(field, layout) for field in fields), strict=True):
        plane = np.empty((2 * pair[0].shape[0], pair[0].shape[1]), pair[0].dtype)
        plane[0::2], plane[1::2] = pair
        planes.append(plane)
    return join_planes(planes, native.width, native.height, layout)


def numbers(clip: Clip) -> list[int]:
    """Return the numbers of a clip's frames."""
    return [read_moment(frame.image) for frame in clip]


def find_combed(clip: Clip) -> list[int]:
    """Return the places of frames whose fields are of different times."""
    natives: list[Any] = [frame.native for frame in clip]
    fields = [split_fields(native) for native in natives]
    triples = zip(fields, fields[1:], fields[2:], strict=False)
    energies = [measure_combing(*triple).own for triple in triples]
    return [place + 1 for place, energy in enumerate(energies) if energy > COMBED]


def times(clip: Clip, rate: Fraction) -> list[Fraction]:
    """Return the times of a clip's frames in frame times of a rate."""
    return [frame.time * rate for frame in clip]


Maker = Callable[[Path], Path]
