"""Convert exactly between the pixel formats of codecs and pictures.

A picture is RGB or RGBA, uint8 for sources of 8 bits per sample and full-range uint16 for deeper
ones; see `base.arrays`. Only the matrix and the range of the coded samples are converted; primaries
and transfer do not change, so PQ and HLG pictures have PQ and HLG values.

The arithmetic is done here in float32, because swscale is less exact (FFmpeg 8.1, measured): by
default it truncates and repeats chroma samples, its best flags ignore chroma siting and take three
times as long, and white of more than 8 bits becomes 65280 instead of 65535.

Conventions: code points of ITU-T H.273. Sources: H.273 section 8.3 (ranges, equations 20 to 28) and
table 4 (matrix coefficients). Untagged video is BT.709 above 576 lines, else BT.601, as players
assume.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from kinoloom.base.arrays import Picture, from_float
from kinoloom.base.clip import Color
from kinoloom.errors import UnsupportedMediaError
from kinoloom.media.video.planes import (
    Layout,
    Plane,
    downsample,
    find_layout,
    join_planes,
    repack,
    split_planes,
    upsample,
)

_LIMITED, _FULL = 1, 2  # FFmpeg's AVCOL_RANGE_MPEG and AVCOL_RANGE_JPEG
_UNKNOWN = (0, 2, 3)  # reserved and unspecified code points; as a matrix, 0 is RGB
_BT709, _BT601, _BT2020 = 1, 6, 9
_SRGB = 13
_HDR = (16, 18)
_SD_LINES = 576
_TIE = 0.001
"""In codes: more than the error of the arithmetic, far less than what changes other codes."""
_WEIGHTS = {
    1: (0.2126, 0.0722),
    4: (0.30, 0.11),
    5: (0.299, 0.114),
    6: (0.299, 0.114),
    7: (0.212, 0.087),
    9: (0.2627, 0.0593),
}
"""Weights of red and blue in luma, by matrix."""


def read_color(frame: av.VideoFrame) -> Color:
    """Return the colour description of a decoded frame: its tags, or what players assume."""
    primaries, transfer = int(frame.color_primaries), int(frame.color_trc)
    matrix = int(frame.colorspace)
    kind = find_layout(frame.format.name).kind
    usual = _BT709 if frame.height > _SD_LINES else _BT601
    if _BT2020 in (primaries, matrix) or transfer in _HDR:
        usual = _BT2020
    if kind == "rgb":
        usual = _BT709
    usual_transfer = {"rgb": _SRGB}.get(kind, _BT709 if usual == _BT2020 else usual)
    full = kind == "rgb" or frame.format.name.startswith("yuvj") or frame.color_range == _FULL
    if kind == "grey":
        full = frame.color_range != _LIMITED
    return Color(
        primaries=usual if primaries in _UNKNOWN else primaries,
        transfer=usual_transfer if transfer in _UNKNOWN else transfer,
        matrix=0 if kind == "rgb" else usual if matrix in _UNKNOWN else matrix,
        full_range=full,
    )


def to_picture(native: av.VideoFrame, color: Color) -> Picture:
    """Convert a decoded frame to a picture.

    Args:
        native: the decoder's frame.
        color: its colour description; see `read_color`.

    Returns:
        (H, W, 3), or (H, W, 4) if the format has alpha; uint8, or uint16 if it has more than
        8 bits.

    Raises:
        UnsupportedMediaError: the pixel format or the matrix is not supported.
    """
    layout = find_layout(native.format.name)
    if layout.kind != "rgb":
        return _convert(native, layout, color, cv2.CV_8U if layout.bits == 8 else cv2.CV_16U)
    if layout.bits == 8:
        packed = repack(native, "rgba" if layout.alpha else "rgb24")
        return np.ascontiguousarray(packed.to_ndarray())
    planes = [_rescale(plane, layout.bits) for plane in split_planes(native, layout)]
    green, blue, red, *alpha = planes
    return _stack([red, green, blue, *alpha])


def to_exact(native: av.VideoFrame, color: Color) -> Picture:
    """Convert a decoded YUV or grey frame as `to_picture` does, without rounding and clipping.

    Returns:
        (H, W, 3) or (H, W, 4) float32; black is 0 and white 1, and codes outside the RGB cube have
        values outside 0..1. `to_native` restores the codes.
    """
    layout = find_layout(native.format.name)
    return _convert(native, layout, color, cv2.CV_32F) * np.float32(1 / _top(layout.bits))


def is_clipped(native: av.VideoFrame) -> bool:
    """Whether `to_picture` rounds and clips a frame, and `to_exact` does not."""
    return find_layout(native.format.name).kind != "rgb"


def _convert(native: av.VideoFrame, layout: Layout, color: Color, depth: int) -> Picture:
    """Convert a YUV or grey frame to a picture in 0..top, of an OpenCV depth."""
    planes = split_planes(native, layout)
    code = _Code.of(color, layout)
    alpha = [_rescale(planes.pop(), layout.bits)] if layout.alpha else []
    if depth == cv2.CV_32F:
        alpha = [plane.astype(np.float32) for plane in alpha]
    if layout.kind == "grey":
        black = -code.black * code.luma
        grey = _scale_and_add(planes[0], code.luma, planes[0], 0, black, depth)
        return _stack([grey] * 3)
    size = native.width, native.height
    cb, cr = (upsample(plane, layout.steps, *size) for plane in planes[1:])
    return _stack([*_to_rgb(planes[0], cb, cr, code, depth), *alpha])


def to_native(image: Picture, pix_fmt: str, color: Color) -> av.VideoFrame:
    """Convert a picture to a frame in an encoder's format, with colour tags.

    Args:
        image: (H, W, 3) or (H, W, 4) uint8, uint16 or float32, which may be outside 0..1. Alpha is
            dropped if the format has none, and opaque if the picture has none.
        pix_fmt: FFmpeg's name of the format.
        color: colour description of the frame.

    Raises:
        UnsupportedMediaError: the pixel format or the matrix is not supported.
    """
    layout = find_layout(pix_fmt)
    height, width = image.shape[:2]
    if layout.kind == "rgb" and layout.bits == 8:
        frame = _pack(_as_dtype(image, np.dtype(np.uint8)), alpha=layout.alpha)
    else:
        if image.dtype == np.float32 and layout.kind == "rgb":
            image = from_float(image, np.dtype(np.uint16))
        red, green, blue, *alpha = cv2.split(np.ascontiguousarray(image))
        planes = _components([red, green, blue], layout, color)
        if layout.alpha:
            planes.append(_make_alpha(alpha, height, width, layout.bits))
        frame = join_planes(planes, width, height, layout)
    frame = repack(frame, pix_fmt)
    frame.color_primaries, frame.color_trc = color.primaries, color.transfer
    frame.colorspace = color.matrix
    frame.color_range = _FULL if color.full_range else _LIMITED
    return frame


@dataclass(frozen=True)
class _Code:
    """How R'G'B' in 0..top is coded as samples; `top` is 255 or 65535.

    Attributes:
        red, blue: their weights in luma.
        black: the code of black.
        middle: the code of zero chroma.
        luma, chroma: top divided by the range of luma codes, and by that of chroma codes.
        bits: per sample.
    """

    red: float
    blue: float
    black: int
    middle: int
    luma: float
    chroma: float
    bits: int

    @staticmethod
    def of(color: Color, layout: Layout) -> _Code:
        if layout.kind == "yuv" and color.matrix not in _WEIGHTS:
            raise UnsupportedMediaError(
                f"Colours coded with matrix {color.matrix} (ITU-T H.273) are not supported.",
                hint="Convert the video to BT.709 or BT.2020 (non-constant luminance) first.",
            )
        red, blue = _WEIGHTS.get(color.matrix, _WEIGHTS[_BT709])
        unit, top = 1 << (layout.bits - 8), _top(layout.bits)
        spans = (256 * unit - 1,) * 2 if color.full_range else (219 * unit, 224 * unit)
        black = 0 if color.full_range else 16 * unit
        return _Code(red, blue, black, 128 * unit, top / spans[0], top / spans[1], layout.bits)


def _to_rgb(y: Plane, cb: Plane, cr: Plane, code: _Code, depth: int) -> list[Plane]:
    """Return red, green and blue in 0..top of coded samples; chroma is float32."""
    black, middle = -code.black * code.luma, -code.middle * code.chroma
    to_red, to_blue = 2 * (1 - code.red), 2 * (1 - code.blue)
    green = 1 - code.red - code.blue
    less_red, less_blue = to_red * code.red / green, to_blue * code.blue / green
    less = _mix(cr, less_red * code.chroma, cb, less_blue * code.chroma)
    return [
        _scale_and_add(y, code.luma, cr, to_red * code.chroma, black + to_red * middle, depth),
        _scale_and_add(y, code.luma, less, -1, black - (less_red + less_blue) * middle, depth),
        _scale_and_add(y, code.luma, cb, to_blue * code.chroma, black + to_blue * middle, depth),
    ]


def _components(rgb: list[Plane], layout: Layout, color: Color) -> list[Plane]:
    """Return the planes of a layout, without alpha, of red, green and blue.

    They are uint8 or uint16, or float32 for YUV and grey.
    """
    if layout.kind == "rgb":
        red, green, blue = (_to_bits(plane, layout.bits) for plane in rgb)
        return [green, blue, red]
    code = _Code.of(color, layout)
    white = 1 if rgb[0].dtype == np.float32 else np.iinfo(rgb[0].dtype).max
    scale = _top(layout.bits) / white  # of the picture to 0..top
    red, green, blue = rgb
    by_green = 1 - code.red - code.blue
    luma = _mix(red, code.red * scale, green, by_green * scale)
    luma = _mix(luma, 1, blue, code.blue * scale)
    ties = _TIE if red.dtype == np.float32 else 0
    planes = [_quantize(luma, 1 / code.luma, code.black, layout.bits, ties)]
    if layout.kind == "yuv":
        for primary, weight in ((blue, code.blue), (red, code.red)):
            per_code = 1 / (2 * (1 - weight) * code.chroma)
            chroma = _mix(primary, scale * per_code, luma, -per_code)
            chroma = downsample(chroma, layout.steps)
            planes.append(_quantize(chroma, 1, code.middle, layout.bits, ties))
    return planes


def _mix(a: Plane, by_a: float, b: Plane, by_b: float) -> NDArray[np.float32]:
    return np.asarray(cv2.addWeighted(a, by_a, b, by_b, 0, dtype=cv2.CV_32F))


def _scale_and_add(a: Plane, by_a: float, b: Plane, by_b: float, plus: float, depth: int) -> Plane:
    """Return a * by_a + b * by_b + plus in an OpenCV depth, rounded and clipped to integers."""
    return np.asarray(cv2.addWeighted(a, by_a, b, by_b, plus, dtype=depth))


def _quantize(
    values: NDArray[np.float32], by: float, zero: int, bits: int, ties: float = 0
) -> Plane:
    """Return the codes `values * by + zero`, rounded and clipped to `bits`.

    Codes half-way between two are rounded up and down in turn if `ties` is above 0: the mean of two
    frames has many of them, and the smallest error would move all to the same side.
    """
    depth = cv2.CV_8U if bits == 8 else cv2.CV_16U
    if ties:
        values = values.copy()
        values[0::2, 0::2] += ties / by
        values[1::2, 1::2] += ties / by
        values[0::2, 1::2] -= ties / by
        values[1::2, 0::2] -= ties / by
    codes = _scale_and_add(values, by, values, 0, zero, depth)
    return np.minimum(codes, (1 << bits) - 1, out=codes) if bits % 8 else codes


def _rescale(plane: Plane, bits: int) -> Plane:
    """Return full-range samples of `bits` as uint8, or scaled to full-range uint16."""
    if bits in (8, 16):
        return plane
    top = (1 << bits) - 1
    return ((plane.astype(np.uint32) * 65535 + top // 2) // top).astype(np.uint16)


def _to_bits(plane: Plane, bits: int) -> Plane:
    """Scale full-range uint8 or uint16 samples to full-range samples of `bits`, rounded."""
    top, new_top = int(np.iinfo(plane.dtype).max), (1 << bits) - 1
    if top == new_top:
        return plane
    scaled = (plane.astype(np.uint32) * new_top + top // 2) // top
    return scaled.astype(np.uint8 if bits == 8 else np.uint16)


def _as_dtype(image: Picture, dtype: np.dtype[Any]) -> Picture:
    if image.dtype == np.float32:
        return from_float(image, dtype)
    return _to_bits(image, 8 * dtype.itemsize)


def _make_alpha(alpha: list[Plane], height: int, width: int, bits: int) -> Plane:
    """Return the alpha plane of `bits`; opaque if there is none."""
    if not alpha:
        return np.full((height, width), (1 << bits) - 1, np.uint8 if bits == 8 else np.uint16)
    plane = alpha[0]
    if plane.dtype == np.float32:
        plane = from_float(plane, np.dtype(np.uint16))
    return _to_bits(plane, bits)


def _pack(image: Picture, *, alpha: bool) -> av.VideoFrame:
    channels = 4 if alpha else 3
    if image.shape[2] < channels:
        image = np.dstack([image, np.full(image.shape[:2], 255, np.uint8)])
    packed = np.ascontiguousarray(image[..., :channels])
    return av.VideoFrame.from_ndarray(packed, "rgba" if alpha else "rgb24")


def _stack(planes: list[Plane]) -> Picture:
    return np.asarray(cv2.merge(planes))


def _top(bits: int) -> int:
    return 255 if bits == 8 else 65535
