"""Change the size, depth and chroma of YUV frames without a conversion to RGB.

Luma keeps its codes, scaled to the new depth; chroma is resampled only if its resolution changes.
"""

from __future__ import annotations

import av
import numpy as np

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


def reformat_yuv(
    native: av.VideoFrame, pix_fmt: str, size: tuple[int, int], *, full_range: bool
) -> av.VideoFrame | None:
    """Return a frame in another YUV format, extended by repeating its last row and column.

    Args:
        native: the frame.
        pix_fmt: FFmpeg's name of the format.
        size: width and height of the result, at least those of the frame.
        full_range: whether the codes of both use the full range.

    Returns:
        The new frame, without colour tags; None if one of the formats is not YUV.
    """
    before, after = find_layout(native.format.name), find_layout(pix_fmt)
    if before.kind != "yuv" or after.kind != "yuv":
        return None
    luma, *chroma = split_planes(native, before)
    alpha = chroma[2:]
    if before.steps != after.steps:
        wide = (upsample(each, before.steps, native.width, native.height) for each in chroma[:2])
        chroma = [downsample(_extend(each, *size), after.steps) for each in wide]
    width, height = (-(-side // step) for side, step in zip(size, after.steps, strict=True))
    planes = [
        _requantize(_extend(luma, *size), before, after, 0, full_range=full_range),
        *(
            _requantize(_extend(each, width, height), before, after, 128, full_range=full_range)
            for each in chroma[:2]
        ),
    ]
    if after.alpha:
        opaque = np.full((1, 1), (1 << before.bits) - 1, np.uint16)
        plane = _extend(alpha[0] if alpha else opaque, *size)
        planes.append(_requantize(plane, before, after, 0, full_range=True))
    return repack(join_planes(planes, *size, after), pix_fmt)


def _extend(plane: Plane, width: int, height: int) -> Plane:
    """Return a plane of a size, by repeating its last row and column."""
    missing = (0, height - plane.shape[0]), (0, width - plane.shape[1])
    return np.pad(plane, missing, mode="edge") if any(map(sum, missing)) else plane


def _requantize(
    plane: Plane, before: Layout, after: Layout, middle: int, *, full_range: bool
) -> Plane:
    """Return codes of another depth; `middle` is the 8-bit code that stays in place."""
    if before.bits == after.bits and plane.dtype.kind == "u":
        return plane
    old, new = (middle << (layout.bits - 8) for layout in (before, after))
    ratio = 2.0 ** (after.bits - before.bits)
    if full_range:
        ratio = ((1 << after.bits) - 1) / ((1 << before.bits) - 1)
    codes = np.rint((plane.astype(np.float32) - np.float32(old)) * np.float32(ratio) + new)
    dtype = np.uint8 if after.bits == 8 else np.uint16
    return np.asarray(np.clip(codes, 0, (1 << after.bits) - 1), dtype)
