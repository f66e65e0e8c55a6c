"""Enlarging video by a luma network on the samples of the decoder, with skipping."""

from __future__ import annotations

import numpy as np

from kinoloom.base.clip import Color, Frame
from kinoloom.enhance.networks.upscaler import NetworkUpscaler
from kinoloom.enhance.pictures.stages import UpscaleStage
from kinoloom.enhance.pictures.work import PictureWork
from kinoloom.enhance.video.skipping import Skipper
from kinoloom.media.frames.luma import count_luma_bits, enlarge_luma
from kinoloom.media.video.planes import Plane

_FULL, _BLACK = np.float32(219 / 255), np.float32(16 / 255)
"""From full range to studio range."""


def find_luma_network(work: PictureWork, width: int, height: int) -> NetworkUpscaler | None:
    """Return the network if it is all that happens to a picture, and works on luma; else None."""
    if work.filters or len(work.stages) != 1:
        return None
    stage = work.stages[0]
    if not isinstance(stage, UpscaleStage) or stage.strength != 1 or stage.network.channels != 1:
        return None
    same = work.size(width, height) == (width * stage.scale, height * stage.scale)
    return stage.network if same and stage.reach_px is not None else None


class LumaEnlarger:
    """Enlarges the frames of a video in order.

    Args:
        network: on luma.
        color: of the video.
    """

    def __init__(self, network: NetworkUpscaler, color: Color) -> None:
        self.network, self.color = network, color
        self._bits = 8
        self.skipper = Skipper(self._enlarge, network.facts.reach_px or 0, network.scale)

    def __call__(self, frame: Frame) -> Frame | None:
        """Return the enlarged frame; None if it has no samples of its own."""
        bits = count_luma_bits(frame)
        if bits is None:
            return None
        self._bits = bits
        return enlarge_luma(frame, self.color, self.network.scale, self.skipper)

    def _enlarge(self, codes: Plane) -> Plane:
        top = np.float32(255 << (self._bits - 8))
        luma = codes.astype(np.float32)
        luma /= top
        if self.color.full_range:
            luma *= _FULL
            luma += _BLACK
        large = self.network.enlarge_luma(luma)
        if self.color.full_range:
            large -= _BLACK
            large /= _FULL
        large *= top
        np.rint(large, out=large)
        return np.clip(large, 0, (1 << self._bits) - 1, out=large).astype(codes.dtype)
