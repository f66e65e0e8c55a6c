"""The baseline `dis` of `bench film`: "DIS flow, warp and average".

OpenCV's dense inverse search (Kroeger et al., ECCV 2016) runs at full size with its medium preset
in both directions. Half the difference of the two flows serves as the motion of the new frame,
without projection; both images are warped along it and averaged, without occlusion handling.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from kinoloom.base.arrays import Picture, from_float, to_float
from kinoloom.base.units import format_bytes
from kinoloom.errors import BudgetError
from kinoloom.film.engine import Engine, EngineOptions, NewFrames
from kinoloom.film.synthesis.pixels import (
    check_same_format,
    premultiply_alpha,
    unpremultiply_alpha,
)
from kinoloom.motion.dense_flow import create_search, search_flow
from kinoloom.motion.flow import Flow, pixel_grid, sample

_BYTES_PER_PIXEL = 160
_WORKING_BYTES = 12_000_000


class PlainDis:
    """The DIS baseline; see `film.engine.Interpolator`.

    Args:
        options: `flow_scale` and `weights` are not used.
    """

    def __init__(self, options: EngineOptions) -> None:
        self.options = options

    def interpolate(self, first: Picture, second: Picture, times: Sequence[float]) -> NewFrames:
        """Yield one frame per time; identical images are returned as they are.

        Raises:
            ArrayError: the images differ in shape or dtype.
            BudgetError: they exceed the memory limit; this engine does not use tiles.
        """
        forward, backward = self.estimate_flow(first, second)
        motion = (forward - backward) * np.float32(0.5)
        here = pixel_grid(*first.shape[:2])
        before, after = premultiply_alpha(first), premultiply_alpha(second)
        is_static = np.array_equal(first, second)
        for time in np.asarray(times, np.float32):
            mean = (1 - time) * sample(before, here - time * motion)
            mean += time * sample(after, here + (1 - time) * motion)
            yield first.copy() if is_static else unpremultiply_alpha(mean, like=first), None

    def estimate_flow(self, first: Picture, second: Picture) -> tuple[Flow, Flow]:
        """Return the flow from first to second and the flow back, each (H, W, 2) in pixels.

        Raises:
            ArrayError, BudgetError: as `interpolate`.
        """
        check_same_format(first, second)
        height, width = first.shape[:2]
        if _BYTES_PER_PIXEL * height * width > self.options.memory_bytes:
            raise BudgetError(
                f"The engine dis cannot process images of {width}x{height} within "
                f"{format_bytes(self.options.memory_bytes)}.",
                hint="Raise --memory, or use --engine fast.",
            )
        grey1, grey2 = _to_grey(first), _to_grey(second)
        search = create_search()
        return search_flow(search, grey1, grey2), search_flow(search, grey2, grey1)


def _to_grey(image: Picture) -> NDArray[np.uint8]:
    colors = from_float(to_float(image)[..., :3], np.dtype(np.uint8))
    return np.asarray(cv2.cvtColor(colors, cv2.COLOR_RGB2GRAY), np.uint8)


DIS = Engine(
    name="dis",
    summary="baseline: DIS optical flow, both frames warped and averaged",
    rank=5,
    build=PlainDis,
    missing=lambda options: "",
    min_memory_bytes=_BYTES_PER_PIXEL,
    estimate_memory=lambda pictures, options: _WORKING_BYTES + _BYTES_PER_PIXEL * pictures.pixels,
)
