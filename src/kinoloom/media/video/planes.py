"""The samples of FFmpeg's frames as numpy arrays, and resampling of chroma.

In: frames of any pixel format. Out: one array per component, uint8 for up to 8 bits per sample,
else uint16 with the samples in the low bits; and back. Formats that are not planar little-endian
are repacked by swscale, which does not change the samples.

Conventions: 4:2:0 and 4:2:2 chroma is sited as MPEG-2, H.264 and H.265 do by default: aligned with
the left luma sample of each pair, and half-way between two lines (ITU-T H.265 figure E.1, type 0).
Both directions use cubic convolution with a = -1/2 (Keys 1981, "Cubic convolution interpolation for
digital image processing"), scaled to the coarser grid, with the edge repeated.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import av
import cv2
import numpy as np
from av.video.format import VideoFormat
from numpy.typing import NDArray

from kinoloom.errors import UnsupportedMediaError

Plane = NDArray[Any]
_CONVERSION = threading.Lock()
_FULL_RANGE = 2  # FFmpeg's AVCOL_RANGE_JPEG; on both sides, it leaves samples unchanged
_SUBSAMPLED = {
    (1, 1): "444",
    (2, 1): "422",
    (2, 2): "420",
    (1, 2): "440",
    (4, 1): "411",
    (4, 4): "410",
}


@dataclass(frozen=True)
class Layout:
    """What a pixel format stores.

    Attributes:
        kind: luma and chroma, red, green and blue, or grey alone.
        bits: per sample as read, 8..16.
        alpha: whether there is an alpha component.
        steps: luma samples per chroma sample, horizontally and vertically.
        planar: the planar little-endian format with the same samples; order Y Cb Cr, G B R or
            grey, then alpha.
    """

    kind: Literal["yuv", "rgb", "grey"]
    bits: int
    alpha: bool
    steps: tuple[int, int]
    planar: str


@lru_cache(maxsize=64)
def find_layout(pix_fmt: str) -> Layout:
    """Return what a pixel format stores, by FFmpeg's name.

    Raises:
        UnsupportedMediaError: an unknown format, or one that is not RGB, YUV or grey.
    """
    try:
        form = VideoFormat(pix_fmt, 64, 64)
        kind = _find_kind(form)
        bits = min(max([8, *(part.bits for part in form.components)]), 16)
        alpha = form.has_palette or any(part.is_alpha for part in form.components)
        steps = (1, 1)
        if kind == "yuv":
            steps = 64 // form.chroma_width(64), 64 // form.chroma_height(64)
        planar = _name_planar_format(kind, steps, bits, alpha=alpha)
        VideoFormat(planar)
    except (ValueError, KeyError) as error:
        raise UnsupportedMediaError(
            f"The pixel format {pix_fmt} is not supported.",
            hint="Convert the video to a common format first, such as yuv420p or gbrp16le.",
        ) from error
    return Layout(kind, bits, alpha, steps, planar)


def name_chroma(steps: tuple[int, int]) -> str:
    """Return chroma steps as they are usually written, such as "4:2:0"."""
    return ":".join(_SUBSAMPLED[steps])


def split_planes(frame: av.VideoFrame, layout: Layout) -> list[Plane]:
    """Return the components of a frame as (h, w) views of its memory; see `Layout.planar`."""
    planar = repack(frame, layout.planar)
    return [_view(planar, index, layout.bits) for index in range(len(planar.planes))]


def join_planes(planes: list[Plane], width: int, height: int, layout: Layout) -> av.VideoFrame:
    """Return a new frame in the layout's planar format with a copy of `planes`."""
    frame = av.VideoFrame(width, height, layout.planar)
    for index, plane in enumerate(planes):
        _view(frame, index, layout.bits)[...] = plane
    return frame


def repack(frame: av.VideoFrame, pix_fmt: str) -> av.VideoFrame:
    """Return the same samples in another format of the same kind, bits and chroma steps.

    A frame may be repacked by several threads: the frame of a source is encoded while the next
    interval is computed from it. PyAV keeps one converter per frame, changes the frame's tags
    while it converts, and locks neither.

    Raises:
        UnsupportedMediaError: swscale cannot convert between the two.
    """
    if frame.format.name == pix_fmt:
        return frame
    try:
        with _CONVERSION:
            return frame.reformat(
                format=pix_fmt,
                src_color_range=_FULL_RANGE,
                dst_color_range=_FULL_RANGE,
                threads=1,  # with several, swscale 9.5 sometimes corrupts rows at slice boundaries
            )
    except (ValueError, OSError) as error:
        raise UnsupportedMediaError(
            f"Pictures cannot be converted from {frame.format.name} to {pix_fmt}."
        ) from error


def upsample(chroma: Plane, steps: tuple[int, int], width: int, height: int) -> NDArray[np.float32]:
    """Resample a chroma plane to the resolution of luma, (height, width) float32."""
    full = np.asarray(chroma, np.float32)
    for axis, step, first in _list_subsampled_axes(steps):
        full = _interpolate(full, axis, [(k - first) / step for k in range(step)])
    return full[:height, :width]


def downsample(chroma: NDArray[np.float32], steps: tuple[int, int]) -> NDArray[np.float32]:
    """Resample a full-resolution chroma plane to the resolution at which it is stored."""
    for axis, step, first in reversed(_list_subsampled_axes(steps)):
        chroma = _decimate(chroma, axis, step, first)
    return chroma


def enlarge_chroma(chroma: Plane, steps: tuple[int, int], factor: int) -> NDArray[np.float32]:
    """Enlarge a chroma plane of a picture whose luma is enlarged about the centre of its pixels.

    Args:
        chroma: (h, w) as stored.
        steps: luma samples per chroma sample, horizontally and vertically, before and after.
        factor: of both sides.

    Returns:
        (factor h, factor w) float32; if luma has odd sides, the last row or column is beyond it.
    """
    full = np.asarray(chroma, np.float32)
    excess = (factor - 1) / (2 * factor)
    for axis, shift in ((0, excess), (1, excess / steps[0])):
        full = _interpolate(full, axis, [k / factor - shift for k in range(factor)])
    return full


def _list_subsampled_axes(steps: tuple[int, int]) -> list[tuple[int, int, float]]:
    """Return (axis, step, first chroma position in luma samples) of each subsampled axis."""
    across, down = steps
    axes = [(0, down, (down - 1) / 2), (1, across, 0.0)]
    return [each for each in axes if each[1] > 1]


def _find_kind(form: VideoFormat) -> Literal["yuv", "rgb", "grey"]:
    if not form.components or form.name.startswith("xyz"):
        raise ValueError(form.name)
    if len(form.components) >= 3 and not form.is_rgb:
        return "yuv"
    grey_alone = len(form.components) == 1 and not form.is_rgb and not form.has_palette
    return "grey" if grey_alone else "rgb"


def _name_planar_format(
    kind: Literal["yuv", "rgb", "grey"], steps: tuple[int, int], bits: int, *, alpha: bool
) -> str:
    depth = "" if bits == 8 else f"{bits}le"
    if kind == "grey":
        return f"gray{depth}"
    if kind == "rgb":
        return f"gbr{'a' if alpha else ''}p{depth}"
    return f"yuv{'a' if alpha else ''}{_SUBSAMPLED[steps]}p{depth}"


def _view(frame: av.VideoFrame, index: int, bits: int) -> Plane:
    plane = frame.planes[index]
    dtype = np.dtype(np.uint8 if bits == 8 else "<u2")
    shape, stride = (plane.height, plane.width), plane.line_size
    begin = (
        0 if stride > 0 else (plane.height - 1) * -stride
    )  # some decoders store pictures upside down
    return np.ndarray(shape, dtype, memoryview(plane), begin, (stride, dtype.itemsize))


def _interpolate(plane: NDArray[np.float32], axis: int, places: list[float]) -> NDArray[np.float32]:
    """Return `len(places)` samples per input sample along an axis, at these offsets."""
    shape = list(plane.shape)
    shape[axis] *= len(places)
    out = np.empty(shape, np.float32)
    for phase, place in enumerate(places):
        out[_every_nth(len(places), axis, phase)] = _filter(
            plane, axis, _cubic_kernel(_tap_positions(2) - place)
        )
    return out


def _decimate(
    plane: NDArray[np.float32], axis: int, step: int, first: float
) -> NDArray[np.float32]:
    """Return one sample per `step` along an axis, `first` samples after the first of each."""
    kernel = _cubic_kernel((_tap_positions(2 * step) - first) / step)
    return _filter(plane, axis, kernel / kernel.sum())[_every_nth(step, axis, 0)]


def _every_nth(step: int, axis: int, first: int) -> tuple[slice, ...]:
    return (slice(None),) * axis + (slice(first, None, step),)


def _tap_positions(reach: int) -> NDArray[np.float64]:
    return np.arange(-reach, reach + 1, dtype=np.float64)


def _filter(
    plane: NDArray[np.float32], axis: int, kernel: NDArray[np.float64]
) -> NDArray[np.float32]:
    shaped = kernel.astype(np.float32).reshape((-1, 1) if axis == 0 else (1, -1))
    edge = cv2.BORDER_REPLICATE
    return np.asarray(cv2.filter2D(plane, cv2.CV_32F, shaped, borderType=edge))


def _cubic_kernel(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return Keys' cubic convolution kernel, a = -1/2."""
    x = np.abs(x)
    near = 1.5 * x**3 - 2.5 * x**2 + 1
    far = -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
    return np.where(x < 1, near, np.where(x < 2, far, 0.0))
