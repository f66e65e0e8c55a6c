"""How the pictures of one clip are stored: codec, pixel format, size, colour.

In: a clip, its first frame, the suffix of the output and the user's wishes. Out: a `Plan`, which
says everything that an encoder has to know; or an error that says what is possible instead.

Conventions: HDR needs more than 8 bits, for PQ or HLG in 8 bits shows bands; where a file has no
such format HDR is refused. Code points of colour are those of ITU-T H.273.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import product

import av
import numpy as np

from kinoloom.base.arrays import Picture
from kinoloom.base.clip import Clip, Colour, Frame
from kinoloom.base.machine import cores
from kinoloom.errors import UsageError
from kinoloom.media.video.codecs import ANIMATED, CODECS, VIDEO, Codec
from kinoloom.media.video.frame_feed import shown

_ROWS_A_THREAD = 32
"""With fewer rows for each, threads of x264 make other pictures from run to run."""
_MOST_RATE = Fraction(500)  # segments count frames in the milliseconds of Matroska


@dataclass(frozen=True)
class Plan:
    """How the pictures of one clip are stored.

    Attributes:
        codec: the codec.
        pix_fmt: FFmpeg's name of the pixel format.
        alpha: whether that keeps an alpha channel.
        width, height: as stored, in pixels; the clip's, rounded up to the codec's step.
        rate: frames a second, for the encoder's rate control; nominal where times vary.
        constant: whether that rate is the true one of all frames.
        colour: what the stored numbers mean.
        pixel_aspect: width of a pixel over its height.
        takes_native: whether the numbers of a decoder's frame mean the same here.
        settings: options of the encoder.
        threads: of the encoder; the pictures of H.264 depend on their number.
    """

    codec: Codec
    pix_fmt: str
    alpha: bool
    width: int
    height: int
    rate: Fraction
    constant: bool
    colour: Colour
    pixel_aspect: Fraction
    takes_native: bool
    settings: Mapping[str, str]
    threads: int


def plan(
    clip: Clip,
    first: Frame,
    suffix: str,
    codec: str = "auto",
    quality: int | None = None,
    threads: int | None = None,
) -> Plan:
    """Decide how the pictures of `clip` are stored.

    What cannot be kept but may be given up (a row or column for an even size, bits beyond those
    of the format) is said in `clip.notes`.

    Args:
        clip: the clip to write.
        first: its first frame; tells whether there is alpha, and the decoder's format.
        suffix: a key of `VIDEO` or `ANIMATED`.
        codec: a name in `CODECS`, or "auto" for the first of the container that keeps all.
        quality: 0..100, or None for the codec's default.
        threads: of the encoder; None for as many as there are cores.

    Raises:
        UsageError: the container does not hold this codec; alpha or HDR would be lost; the
            pictures are too small; a quality for a codec that has none.
    """
    held = [CODECS[name] for name in (VIDEO | ANIMATED)[suffix].codecs]
    if codec != "auto" and codec not in (item.name for item in held):
        raise UsageError(
            f"A {suffix} file cannot hold {codec}.",
            hint=f"It holds {' or '.join(item.name for item in held)}.",
        )
    asked = [item for item in held if codec in ("auto", item.name)]
    chosen, kept = _choose(clip, first, asked, suffix)
    size = _stored_size(clip, chosen)
    pix_fmt = _pixel_format(chosen, kept, first)
    colour = stored_colour(clip.colour, pix_fmt, chosen)
    return Plan(
        chosen,
        pix_fmt,
        kept[1],
        *size,
        rate=_nominal_rate(clip, first),
        constant=clip.rate is not None,
        colour=colour,
        pixel_aspect=clip.pixel_aspect,
        takes_native=colour == clip.colour,
        settings=chosen.settings(quality, alpha=kept[1]),
        threads=threads or min(cores(), max(1, size[1] // _ROWS_A_THREAD)),
    )


def stored_colour(colour: Colour, pix_fmt: str, codec: Codec) -> Colour:
    """What the numbers mean once pictures of `colour` lie in a pixel format.

    RGB formats keep primaries and transfer; RGB pictures that go into a YUV format take the
    matrix of BT.709 (BT.2020 for its primaries) in limited range.
    """
    if av.VideoFormat(pix_fmt).is_rgb or pix_fmt == "pal8":
        return replace(colour, matrix=0, full_range=True)
    if colour.matrix == 0:
        return replace(colour, matrix=9 if colour.primaries == 9 else 1, full_range=False)
    return replace(colour, full_range=colour.full_range and codec.name != "prores")


def is_transparent(image: Picture) -> bool:
    """Whether anything shines through a picture."""
    if image.shape[2] == 3:
        return False
    top = 1.0 if image.dtype == np.float32 else np.iinfo(image.dtype).max
    return bool(image[..., 3].min() < top)


def _choose(
    clip: Clip, first: Frame, asked: list[Codec], suffix: str
) -> tuple[Codec, tuple[bool, bool]]:
    """The first codec that keeps depth and alpha, else one that loses bits only.

    A channel of alpha that hides nothing in the first frame may be left out.
    """
    deep, transparent = clip.bits > 8, is_transparent(first.image)
    alphas = [True] if transparent else [True, False] if first.image.shape[2] == 4 else [False]
    for depth, codec, alpha in product((deep, not deep), asked, alphas):
        if (depth, alpha) in codec.formats:
            if deep and not depth:
                _give_up_depth(clip, codec, suffix)
            return codec, (depth, alpha)
    raise UsageError(
        f"The pictures have transparent parts, which {_called(asked, suffix)} cannot keep.",
        hint=f"Write {_that_keep(deep=deep, alpha=True)}, or a folder of PNG files.",
    )


def _give_up_depth(clip: Clip, codec: Codec, suffix: str) -> None:
    if clip.colour.is_hdr:
        raise UsageError(
            f"The pictures are HDR, which {codec.name} in a {suffix} file cannot keep.",
            hint=f"Write {_that_keep(deep=True, alpha=False)}.",
        )
    clip.notes.add(
        "depth",
        f"The source has {clip.bits} bits a sample; {codec.name} in a {suffix} file stores 8.",
        "warning",
    )


def _called(asked: list[Codec], suffix: str) -> str:
    return asked[0].name if len(asked) == 1 else f"a {suffix} file"


def _that_keep(*, deep: bool, alpha: bool) -> str:
    """All pairs of suffix and codec that keep what is wished, in words."""
    pairs = [
        f"{suffix} with --codec {name}" if len(container.codecs) > 1 else suffix
        for suffix, container in (VIDEO | ANIMATED).items()
        for name in container.codecs
        if (deep, alpha) in CODECS[name].formats
    ]
    return " or ".join(pairs)


def _pixel_format(codec: Codec, kept: tuple[bool, bool], first: Frame) -> str:
    """The codec's format for depth and alpha; FFV1 keeps the decoder's own where it can."""
    native = native_format(first.native)
    formats = av.Codec(codec.encoder, "w").video_formats or []
    if codec.name == "ffv1" and native in {
        item.name for item in formats if len(item.components) > 2
    }:
        return native  # grey is not taken, for a later picture may have colours
    return codec.formats[kept]


def native_format(native: object) -> str:
    """The pixel format of a decoder's frame, "" for anything else.

    FFmpeg's old names for full-range YUV ("yuvj420p") are given as the plain ones, for the
    range is a matter of `Colour`.
    """
    if not isinstance(native, av.VideoFrame):
        return ""
    return native.format.name.replace("yuvj", "yuv")


def _stored_size(clip: Clip, codec: Codec) -> tuple[int, int]:
    if min(clip.width, clip.height) < codec.least_px:
        raise UsageError(
            f"{codec.name} takes pictures of at least {codec.least_px}x{codec.least_px} pixels, "
            f"not {clip.width}x{clip.height}.",
            hint="Choose another --codec, or a folder of PNG files.",
        )
    width, height = (size + -size % codec.step for size in (clip.width, clip.height))
    if (width, height) != (clip.width, clip.height):
        clip.notes.add(
            "size",
            f"{codec.name} needs even sizes: {clip.width}x{clip.height} is stored as "
            f"{width}x{height}, the last row or column repeated.",
        )
    return width, height


def _nominal_rate(clip: Clip, first: Frame) -> Fraction:
    return min(clip.rate or 1 / shown(first, None), _MOST_RATE)
