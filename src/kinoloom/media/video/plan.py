"""Plan how the pictures of a clip are stored: codec, pixel format, size, colour.

In: a clip, its first frame, the output's suffix and the user's options. Out: a `Plan` with
everything that an encoder needs, or an error that names the alternatives.

Conventions: HDR needs more than 8 bits, because PQ and HLG in 8 bits show bands; a target without
them is refused. HDR metadata goes into the container, and also into the stream where the codec has
a place for it; a container without a place is refused. Code points of colour are those of ITU-T
H.273.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import product

import av
import numpy as np

from kinoloom.base.arrays import Picture
from kinoloom.base.clip import Clip, Color, Frame, HdrMetadata
from kinoloom.base.machine import cores
from kinoloom.errors import UsageError
from kinoloom.media.video.codecs import ANIMATED, CODECS, VIDEO, Codec
from kinoloom.media.video.frame_feed import display_duration
from kinoloom.media.video.hdr import hdr_settings
from kinoloom.media.video.planes import find_layout, name_chroma

_KEPT = ("prores",)
"""Codecs for editing: `auto` keeps them, where the container supports them."""
_ROWS_PER_THREAD = 32
"""With fewer rows per thread, the output of x264 varies between runs."""
_X264_THREADS = 4
"""The pictures of x264 depend on the number of its threads; those of other encoders do not."""
_MAX_RATE = Fraction(500)  # segments count frames in the milliseconds of Matroska


@dataclass(frozen=True)
class Plan:
    """How the pictures of one clip are stored.

    Attributes:
        codec: the codec.
        pix_fmt: FFmpeg's name of the pixel format.
        alpha: whether the pixel format has an alpha channel.
        width, height: as stored, in pixels; the clip's, rounded up to the codec's step.
        rate: frames per second, for the encoder's rate control; nominal if the rate varies.
        constant: whether all frames have exactly this rate.
        color: colour description of the stored samples.
        pixel_aspect: width of a pixel divided by its height.
        source_color: colour description of the clip.
        takes_native: whether a decoder's frame has the same colour description, so that it can be
            encoded without conversion.
        settings: encoder options.
        threads: encoder threads; H.264 output depends on their number.
    """

    codec: Codec
    pix_fmt: str
    alpha: bool
    width: int
    height: int
    rate: Fraction
    constant: bool
    color: Color
    pixel_aspect: Fraction
    source_color: Color
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

    Acceptable changes (padding to an even size, fewer bits per sample, coarser chroma) are noted in
    `clip.notes`.

    Args:
        clip: the clip to write.
        first: its first frame, which shows whether there is alpha and the decoder's format.
        suffix: a key of `VIDEO` or `ANIMATED`.
        codec: a name in `CODECS`, or "auto" for the container's first codec that loses nothing;
            ProRes stays ProRes.
        quality: 0..100, or None for the codec's default.
        threads: encoder threads; None chooses a number that never changes the pictures.

    Raises:
        UsageError: the container does not support the codec; alpha, HDR or its metadata would be
            lost; the pictures are too small; the codec has no quality setting.
    """
    supported = [CODECS[name] for name in (VIDEO | ANIMATED)[suffix].codecs]
    if codec != "auto" and codec not in (item.name for item in supported):
        raise UsageError(
            f"A {suffix} file cannot store {codec}: expected "
            f"{' or '.join(item.name for item in supported)}.",
        )
    candidates = [item for item in supported if codec in ("auto", item.name)]
    if clip.codec in _KEPT:
        candidates.sort(key=lambda item: item.name != clip.codec)
    chosen, kept = _choose(clip, first, candidates, suffix)
    _check_hdr(clip, chosen, suffix)
    size = _round_up_size(clip, chosen)
    pix_fmt = _choose_pixel_format(clip, chosen, kept, first)
    _note_losses(clip, chosen, pix_fmt, suffix)
    color = choose_color(clip.color, pix_fmt, chosen)
    return Plan(
        chosen,
        pix_fmt,
        kept[1],
        *size,
        rate=_choose_rate(clip, first),
        constant=clip.rate is not None,
        color=color,
        pixel_aspect=clip.pixel_aspect,
        source_color=clip.color,
        takes_native=color == clip.color,
        settings=_settings(chosen, quality, pix_fmt, clip.hdr),
        threads=threads or _count_threads(chosen, size[1]),
    )


def _count_threads(codec: Codec, height: int) -> int:
    limit = _X264_THREADS if codec.encoder == "libx264" else cores()
    return min(limit, max(1, height // _ROWS_PER_THREAD))


def choose_color(color: Color, pix_fmt: str, codec: Codec) -> Color:
    """Return the colour description of pictures of `color` stored in a pixel format.

    RGB formats keep primaries and transfer. RGB pictures stored in a YUV format get the matrix of
    BT.709 (BT.2020 for its primaries) in limited range.
    """
    if av.VideoFormat(pix_fmt).is_rgb or pix_fmt == "pal8":
        return replace(color, matrix=0, full_range=True)
    if color.matrix == 0:
        return replace(color, matrix=9 if color.primaries == 9 else 1, full_range=False)
    return replace(color, full_range=color.full_range and codec.name != "prores")


def is_transparent(image: Picture) -> bool:
    """Whether a picture has transparent parts."""
    if image.shape[2] == 3:
        return False
    top = 1.0 if image.dtype == np.float32 else np.iinfo(image.dtype).max
    return bool(image[..., 3].min() < top)


def _choose(
    clip: Clip, first: Frame, candidates: list[Codec], suffix: str
) -> tuple[Codec, tuple[bool, bool]]:
    """Return the first codec that keeps depth and alpha, else the first that loses depth only.

    An alpha channel that is opaque in the first frame may be dropped.
    """
    deep, transparent = clip.bits > 8, is_transparent(first.image)
    alphas = [True] if transparent else [True, False] if first.image.shape[2] == 4 else [False]
    for depth, codec, alpha in product((deep, not deep), candidates, alphas):
        if (depth, alpha) in codec.formats:
            if deep and not depth:
                _check_depth(clip, codec, suffix)
            return codec, (depth, alpha)
    raise UsageError(
        f"The pictures have transparent parts, which {_name_target(candidates, suffix)} "
        "cannot store.",
        hint=f"Write {_name_alternatives(deep=deep, alpha=True)}, or a folder of PNG files.",
    )


def _check_depth(clip: Clip, codec: Codec, suffix: str) -> None:
    if clip.color.is_hdr:
        raise UsageError(
            f"The pictures are HDR, which {codec.name} in a {suffix} file cannot store.",
            hint=f"Write {_name_alternatives(deep=True, alpha=False, hdr=clip.hdr is not None)}.",
        )


def _note_losses(clip: Clip, codec: Codec, pix_fmt: str, suffix: str) -> None:
    """Note fewer bits per sample and coarser chroma than the source has."""
    stored, target = find_layout(pix_fmt), f"{codec.name} in a {suffix} file"
    if stored.bits == 8 < clip.bits:
        text = f"The source has {clip.bits} bits per sample; {target} stores 8."
        clip.notes.add("depth", text, "warning")
    if stored.kind == "yuv" and clip.chroma is not None and not _holds(stored.steps, clip.chroma):
        text = f"The source has {name_chroma(clip.chroma)} chroma; "
        text += f"{target} stores {name_chroma(stored.steps)}."
        clip.notes.add("chroma", text, "warning")


def _check_hdr(clip: Clip, codec: Codec, suffix: str) -> None:
    if clip.hdr is not None and not (VIDEO | ANIMATED)[suffix].stores_hdr:
        raise UsageError(
            f"The pictures have HDR metadata (mastering display or content light level), which "
            f"{codec.name} in a {suffix} file cannot store.",
            hint=f"Write {_name_alternatives(deep=True, alpha=False, hdr=True)}.",
        )


def _settings(
    codec: Codec, quality: int | None, pix_fmt: str, hdr: HdrMetadata | None
) -> dict[str, str]:
    """Return the encoder's options, with those for HDR metadata."""
    settings = codec.settings(quality, pix_fmt)
    for name, value in hdr_settings(codec.encoder, hdr).items():
        settings[name] = f"{settings[name]}:{value}" if name in settings else value
    return settings


def _name_target(candidates: list[Codec], suffix: str) -> str:
    return candidates[0].name if len(candidates) == 1 else f"a {suffix} file"


def _name_alternatives(*, deep: bool, alpha: bool, hdr: bool = False) -> str:
    """Return all suffixes and codecs that can store pictures, as text.

    Args:
        deep: whether the pictures have more than 8 bits per sample.
        alpha: whether they have an alpha channel.
        hdr: whether they have HDR metadata.
    """
    kept = []
    for suffix, container in (VIDEO | ANIMATED).items():
        names = [name for name in container.codecs if (deep, alpha) in CODECS[name].formats]
        if not names or (hdr and not container.stores_hdr):
            continue
        several = len(container.codecs) > 1
        kept.append(f"{suffix} with --codec {' or '.join(names)}" if several else suffix)
    return ", ".join(kept)


def _choose_pixel_format(clip: Clip, codec: Codec, kept: tuple[bool, bool], first: Frame) -> str:
    """Return the codec's format for depth, alpha and chroma; for FFV1 the decoder's if possible."""
    native = find_native_format(first.native)
    formats = av.Codec(codec.encoder, "w").video_formats or []
    if codec.name == "ffv1" and native in {
        item.name for item in formats if len(item.components) > 2
    }:
        return native  # not grey, because later pictures may have colours
    formats_by_chroma = codec.formats[kept]
    if clip.chroma is None:
        return formats_by_chroma[0]
    held = (name for name in formats_by_chroma if _holds(find_layout(name).steps, clip.chroma))
    return next(held, formats_by_chroma[-1])


def _holds(stored: tuple[int, int], source: tuple[int, int]) -> bool:
    """Whether chroma steps are at most those of the source, in both directions."""
    return stored[0] <= source[0] and stored[1] <= source[1]


def find_native_format(native: object) -> str:
    """Return the pixel format of a decoder's frame, "" for anything else.

    FFmpeg's deprecated names for full-range YUV ("yuvj420p") are replaced by the plain ones,
    because `Color` has the range.
    """
    if not isinstance(native, av.VideoFrame):
        return ""
    return native.format.name.replace("yuvj", "yuv")


def _round_up_size(clip: Clip, codec: Codec) -> tuple[int, int]:
    if min(clip.width, clip.height) < codec.min_px:
        raise UsageError(
            f"{codec.name} requires pictures of at least {codec.min_px}x{codec.min_px} pixels, "
            f"not {clip.width}x{clip.height}.",
            hint="Choose another --codec, or write a folder of PNG files.",
        )
    width, height = (size + -size % codec.step for size in (clip.width, clip.height))
    if (width, height) != (clip.width, clip.height):
        clip.notes.add(
            "size",
            f"{codec.name} requires even sizes: {clip.width}x{clip.height} is stored as "
            f"{width}x{height} by repeating the last row or column.",
        )
    return width, height


def _choose_rate(clip: Clip, first: Frame) -> Fraction:
    return min(clip.rate or 1 / display_duration(first, None), _MAX_RATE)
