"""The engine `dis`: the named baseline, "DIS + warp + average".

The medium preset of OpenCV's dense inverse search (Kroeger et al., ECCV 2016) at full size, both
ways; half the difference of the two flows stands for the motion at the moment, as it is there;
both frames are warped along it and averaged. No projection, no care for what is hidden.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from kinoloom.base.arrays import Picture, from_float, to_float
from kinoloom.base.units import format_bytes
from kinoloom.errors import BudgetError
from kinoloom.film.engine import Engine, EngineOptions
from kinoloom.film.synthesis.pixels import check_alike, premultiplied, straight
from kinoloom.motion.dense_flow import searched
from kinoloom.motion.flow import Flow, pixel_grid, sample

_BYTES_PER_PIXEL = 160


class PlainDis:
    """The baseline; see `film.engine.Interpolator`.

    Args:
        options: `flow_scale` and `weights` are not used.
    """

    def __init__(self, options: EngineOptions) -> None:
        self.options = options

    def between(self, first: Picture, second: Picture, times: Sequence[float]) -> Iterator[Picture]:
        """Yield one picture for each time; equal pictures give themselves.

        Raises:
            ArrayError: the pictures differ in shape or dtype.
            BudgetError: they do not fit into the memory allowed; they are never cut.
        """
        forward, backward = self.flows(first, second)
        motion = (forward - backward) * np.float32(0.5)
        here = pixel_grid(*first.shape[:2])
        before, after = premultiplied(first), premultiplied(second)
        for time in np.asarray(times, np.float32):
            mean = (1 - time) * sample(before, here - time * motion)
            mean += time * sample(after, here + (1 - time) * motion)
            yield first.copy() if np.array_equal(first, second) else straight(mean, like=first)

    def between_with_errors(self, first: Picture, second: Picture, times: Sequence[float]) -> None:
        """It cannot tell where it errs."""

    def flows(self, first: Picture, second: Picture) -> tuple[Flow, Flow]:
        """The motion from first to second and back, each (H, W, 2) in pixels.

        Raises:
            ArrayError, BudgetError: as `between`.
        """
        check_alike(first, second)
        height, width = first.shape[:2]
        if _BYTES_PER_PIXEL * height * width > self.options.memory_bytes:
            raise BudgetError(
                f"The engine dis cannot take pictures of {width}x{height} within "
                f"{format_bytes(self.options.memory_bytes)}.",
                hint="Allow more with --memory, or use --engine fast.",
            )
        grey1, grey2 = _grey(first), _grey(second)
        search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
        return searched(search, grey1, grey2), searched(search, grey2, grey1)


def _grey(picture: Picture) -> NDArray[np.uint8]:
    colours = from_float(to_float(picture)[..., :3], np.dtype(np.uint8))
    return np.asarray(cv2.cvtColor(colours, cv2.COLOR_RGB2GRAY), np.uint8)


DIS = Engine(
    name="dis",
    summary="plain optical flow: warp both frames and average, the named baseline",
    rank=5,
    make=PlainDis,
    missing=lambda options: "",
    least_bytes=_BYTES_PER_PIXEL,
)
