"""Enlarge the luma of a decoded frame, and its chroma with it, without a conversion to RGB.

In: a frame with the decoder's own samples. Out: a frame with samples of the same format, whose
picture is computed only if it is used. Chroma is interpolated by Keys' cubic kernel; its position
relative to luma stays as `video.planes` describes it.
"""

from __future__ import annotations

from collections.abc import Callable

import av
import numpy as np

from kinoloom.base.clip import Color, DeferredFrame, Frame
from kinoloom.media.video.color import to_picture
from kinoloom.media.video.encoding import tag_color
from kinoloom.media.video.planes import (
    Plane,
    enlarge_chroma,
    find_layout,
    join_planes,
    split_planes,
)

EnlargeLuma = Callable[[Plane], Plane]
"""Enlarges a plane of luma codes (h, w), uint8 or uint16, to (factor h, factor w)."""


def count_luma_bits(frame: Frame) -> int | None:
    """Return the bits of a frame's luma codes; None if it has no samples of its own to enlarge."""
    native = frame.native
    if not isinstance(native, av.VideoFrame):
        return None
    layout = find_layout(native.format.name)
    if layout.kind != "yuv" or layout.alpha:
        return None
    if (native.height, native.width) != frame.shape[:2]:
        return None
    return layout.bits


def enlarge_luma(frame: Frame, color: Color, factor: int, enlarge: EnlargeLuma) -> Frame:
    """Return a frame of larger sides.

    Args:
        frame: one for which `count_luma_bits` is not None.
        color: of its clip.
        factor: of both sides.
        enlarge: called with the luma codes.
    """
    native = frame.native
    assert isinstance(native, av.VideoFrame), "count_luma_bits is not None"
    layout = find_layout(native.format.name)
    luma, *chroma = split_planes(native, layout)
    large = enlarge(luma)
    height, width = large.shape
    wide, high = -(-width // layout.steps[0]), -(-height // layout.steps[1])
    top = (1 << layout.bits) - 1
    planes = [large]
    for plane in chroma:
        codes = np.rint(enlarge_chroma(plane, layout.steps, factor)[:high, :wide])
        planes.append(np.clip(codes, 0, top).astype(plane.dtype))
    result = join_planes(planes, width, height, layout)
    tag_color(result, color)
    shape = (height, width, 3)
    return DeferredFrame(
        lambda: to_picture(result, color), frame.time, frame.duration, result, shape
    )
