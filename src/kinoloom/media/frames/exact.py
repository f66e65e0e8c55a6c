"""The exact colours of a frame, before its picture was rounded and clipped to 0..1.

Video stores colours outside the RGB cube, mostly from compression; clipping them changes what is
written. So a frame keeps the decoder's own frame, or exact colours of its own, as `Frame.native`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import av

from kinoloom.base.arrays import Picture
from kinoloom.base.clip import Color, Frame
from kinoloom.media.video.color import is_clipped, to_exact


@dataclass(frozen=True)
class ExactPicture:
    """Exact colours, as the `native` of a frame that no decoder returned.

    Attributes:
        read: returns them, (H, W, C) float32; they may lie outside 0..1.
    """

    read: Callable[[], Picture]


def read_exact(frame: Frame, color: Color) -> Picture | None:
    """Return the exact colours of a frame, None if its picture has them.

    Args:
        frame: a frame of a clip.
        color: the clip's colours.

    Returns:
        (H, W, C) float32, of the size of the frame's picture.
    """
    native = frame.native
    if isinstance(native, ExactPicture):
        return native.read()
    if not isinstance(native, av.VideoFrame) or not is_clipped(native):
        return None
    if (native.height, native.width) != frame.image.shape[:2]:
        return None
    return to_exact(native, color)
