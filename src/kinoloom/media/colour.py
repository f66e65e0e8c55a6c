"""Between the decoder's and encoder's formats and pictures.

A picture here is RGB or RGBA, uint8 for sources of 8 bits and uint16 (full range) for deeper ones;
see `base.arrays`. Only the matrix and the range of the coded samples are undone: transfer and
primaries stay as they are, so PQ and HLG pictures hold PQ and HLG numbers.

Conventions: code points of ITU-T H.273, as FFmpeg has them. What is not tagged is BT.709 above 576
lines, else BT.601, as players assume.
"""

from __future__ import annotations

from functools import lru_cache

import av
import numpy as np
from av.video.format import VideoFormat
from av.video.reformatter import ColorRange, Colorspace, Interpolation

from kinoloom.base.arrays import Picture
from kinoloom.base.clip import Colour

_UNSPECIFIED = 2
_SD_LINES = 576
_BT601, _BT709 = 6, 1
_RGB, _SRGB_TRANSFER = 0, 13
_MATRICES = {
    1: Colorspace.ITU709,
    4: Colorspace.FCC,
    5: Colorspace.ITU601,
    6: Colorspace.ITU601,
    7: Colorspace.SMPTE240M,
    9: Colorspace.BT2020,
    10: Colorspace.BT2020,
}
# Chroma at full horizontal resolution and exact rounding; plain bilinear loses up to 2 dB.
_SCALING = (
    Interpolation.BICUBIC
    | Interpolation.FULL_CHR_H_INT
    | Interpolation.FULL_CHR_H_INP
    | Interpolation.ACCURATE_RND
)


@lru_cache(maxsize=64)
def format_facts(name: str) -> tuple[int, bool, bool]:
    """Bits of each sample, whether it has alpha, and whether it is RGB, of a pixel format."""
    form = VideoFormat(name)
    bits = max(component.bits for component in form.components)
    if form.has_palette:
        return 8, True, True
    alpha = any(component.is_alpha for component in form.components)
    grey = len(form.components) <= 2 and not form.is_rgb
    return bits, alpha, bool(form.is_rgb) and not grey


def picture_format(pixel_format: str, *, alpha: bool) -> str:
    """The packed RGB format that holds all that a pixel format does."""
    deep = format_facts(pixel_format)[0] > 8
    return {
        (False, False): "rgb24",
        (False, True): "rgba",
        (True, False): "rgb48le",
        (True, True): "rgba64le",
    }[deep, alpha]


def colour_of(frame: av.VideoFrame) -> Colour:
    """The colour of a decoded frame: its tags, and what players assume where it has none."""
    rgb = format_facts(frame.format.name)[2]
    usual = _BT709 if frame.height > _SD_LINES else _BT601
    full = frame.color_range == ColorRange.JPEG or frame.format.name.startswith("yuvj") or rgb
    matrix = int(frame.colorspace)
    primaries, transfer = int(frame.color_primaries), int(frame.color_trc)
    if rgb:
        matrix, usual = _RGB, _BT709
    return Colour(
        primaries=usual if primaries in (0, _UNSPECIFIED) else primaries,
        transfer=(_SRGB_TRANSFER if rgb else usual) if transfer in (0, _UNSPECIFIED) else transfer,
        matrix=matrix if rgb or matrix != _UNSPECIFIED else usual,
        full_range=full,
    )


def to_picture(frame: av.VideoFrame, colour: Colour, *, alpha: bool) -> Picture:
    """A decoded frame as a picture.

    Args:
        frame: as it came from the decoder.
        colour: what its numbers mean.
        alpha: whether to keep its alpha channel.

    Returns:
        (H, W, 3) or (H, W, 4), uint8 or uint16.
    """
    packed = frame.reformat(
        format=picture_format(frame.format.name, alpha=alpha),
        interpolation=_SCALING,
        **_coded(colour, "src"),
        dst_color_range=ColorRange.JPEG,
    )
    return np.asarray(packed.to_ndarray())


def to_native(image: Picture, pixel_format: str, colour: Colour) -> av.VideoFrame:
    """A picture as a frame in an encoder's format, tagged with its colour.

    Args:
        image: (H, W, 3) or (H, W, 4), uint8 or uint16.
        pixel_format: as FFmpeg names it.
        colour: what the numbers of the frame shall mean.
    """
    names = {
        ("uint8", 3): "rgb24",
        ("uint8", 4): "rgba",
        ("uint16", 3): "rgb48le",
        ("uint16", 4): "rgba64le",
    }
    packed = av.VideoFrame.from_ndarray(
        np.ascontiguousarray(image), names[image.dtype.name, image.shape[2]]
    )
    frame = packed.reformat(
        format=pixel_format,
        interpolation=_SCALING,
        src_color_range=ColorRange.JPEG,
        **_coded(colour, "dst"),
    )
    frame.colorspace = colour.matrix
    frame.color_primaries = colour.primaries
    frame.color_trc = colour.transfer
    frame.color_range = ColorRange.JPEG if colour.full_range else ColorRange.MPEG
    return frame


def _coded(colour: Colour, side: str) -> dict[str, int]:
    """The arguments of `reformat` for the coded side of a conversion."""
    full = colour.full_range or colour.matrix == _RGB
    coded: dict[str, int] = {f"{side}_color_range": ColorRange.JPEG if full else ColorRange.MPEG}
    if colour.matrix in _MATRICES:
        coded[f"{side}_colorspace"] = _MATRICES[colour.matrix]
    return coded
