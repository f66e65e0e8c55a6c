"""The engine `fast`: optical flow, several guesses of the motion, the best of each; no weights.

Once a pair: the camera's motion, from it the flow both ways, and how far each can be trusted.
For each time: guesses of the motion there (`film.synthesis.candidates`) and their mix
(`film.synthesis.mix`).

The flow is found on a grid of half the picture's size (up to the whole for small pictures), times
`flow_scale`; where that would take more than the memory allowed, on a coarser one, down to 256
pixels along the longer side.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from kinoloom.base.arrays import Picture
from kinoloom.base.units import format_bytes
from kinoloom.errors import ArrayError, BudgetError
from kinoloom.film.engine import Engine, EngineOptions, ErrorMap
from kinoloom.film.quality.error_estimate import error_of_fit
from kinoloom.film.synthesis.candidates import View, guesses_and_fit, views
from kinoloom.film.synthesis.mix import mix
from kinoloom.film.synthesis.pixels import check_alike, premultiplied
from kinoloom.film.synthesis.preprocess import judged_frames
from kinoloom.motion.camera import global_motion
from kinoloom.motion.dense_flow import dense_flow
from kinoloom.motion.flow import Field, Flow, camera_flow, resize_flow, scaled_motion

_COARSEST_SCALE = 0.5
FINE_CELLS = 80_000
"""As many cells, or fewer, are as fine as the picture: more quality, and quick for so few."""
_LEAST_GRID_PX = 256
_BYTES_PER_CELL = 192
BYTES_BESIDE = 32_000_000
"""For a band of rows, the camera's motion and what the libraries set aside."""
_MOST_SIDE_PX = 32766
"""OpenCV's limit on pictures that are sampled."""


class Fast:
    """Interpolates by optical flow; see `film.engine.Interpolator`.

    Args:
        options: `weights` is not used.
    """

    bytes_beside = BYTES_BESIDE

    def __init__(self, options: EngineOptions) -> None:
        self.options = options

    def between(self, first: Picture, second: Picture, times: Sequence[float]) -> Iterator[Picture]:
        """Yield one picture for each time; equal pictures give themselves.

        Raises:
            ArrayError: the pictures differ in shape or dtype, or a side is above 32766 pixels.
            BudgetError: not even a coarse flow fits into the memory allowed.
        """
        return (made for made, _ in self.between_with_errors(first, second, times))

    def between_with_errors(
        self, first: Picture, second: Picture, times: Sequence[float]
    ) -> Iterator[tuple[Picture, ErrorMap]]:
        """As `between`, each picture with its expected error, which costs next to nothing."""
        return judged_frames(first, second, times, self.frames)

    def frames(
        self, first: Picture, second: Picture, times: Sequence[float]
    ) -> Iterator[tuple[Picture, ErrorMap]]:
        """As `between_with_errors`, of contiguous pictures that are not equal."""
        pair = self.analyse(first, second)
        for time in times:
            yield self.frame(first, second, pair, time)

    def frame(
        self, first: Picture, second: Picture, pair: tuple[View, View], time: float
    ) -> tuple[Picture, ErrorMap]:
        """The picture at a time and its expected error, of a pair that was analysed."""
        made, fit = guesses_and_fit(*pair, time)
        return mix(first, second, made, time), error_of_fit(fit)

    def flows(self, first: Picture, second: Picture) -> tuple[Flow, Flow]:
        """The motion from first to second and back, each (H, W, 2) in pixels.

        Raises:
            ArrayError, BudgetError: as `between`.
        """
        check_alike(first, second)
        height, width = first.shape[:2]
        pair = self.analyse(np.ascontiguousarray(first), np.ascontiguousarray(second))
        forward, backward = (resize_flow(view.flow, height, width) for view in pair)
        return forward, backward

    def analyse(self, first: Picture, second: Picture) -> tuple[View, View]:
        """What is known of a pair at whatever moment; contiguous pictures of one shape.

        Raises:
            ArrayError, BudgetError: as `between`.
        """
        height, width = first.shape[:2]
        rows, columns = self._grid(first)
        small1, small2 = (colours(picture, rows, columns) for picture in (first, second))
        grey1, grey2 = (_grey(small) for small in (small1, small2))
        motion = global_motion(first, second)
        start = back = None
        if motion is not None:
            motion = scaled_motion(motion, columns / width, rows / height)
            inverse = np.asarray(np.linalg.inv(motion), np.float64)
            start = camera_flow(motion, rows, columns)
            back = camera_flow(inverse, rows, columns)
        forward, backward = dense_flow(grey1, grey2, start), dense_flow(grey2, grey1, back)
        return views(small1, small2, forward, backward)

    def _grid(self, picture: Picture) -> tuple[int, int]:
        """Rows and columns of the grid.

        Raises:
            ArrayError: the picture's side is above OpenCV's limit.
            BudgetError: not even the coarsest grid fits.
        """
        height, width = picture.shape[:2]
        longer = max(height, width)
        if longer > _MOST_SIDE_PX:
            raise ArrayError(
                f"The engine fast takes pictures of up to {_MOST_SIDE_PX} pixels a side, "
                f"not {width}x{height}.",
                hint="Make them smaller.",
            )
        free = self.options.memory_bytes - 3 * picture.nbytes - self.bytes_beside
        fine = math.sqrt(FINE_CELLS / (height * width))
        scale = min(max(_COARSEST_SCALE, fine), 1.0) * self.options.flow_scale
        fitting = math.sqrt(max(free, 0) / _BYTES_PER_CELL / (height * width))
        if fitting < min(scale, _LEAST_GRID_PX / longer):
            raise BudgetError(
                f"Pictures of {width}x{height} cannot be woven within "
                f"{format_bytes(self.options.memory_bytes)}.",
                hint="Allow more with --memory, or make them smaller.",
            )
        scale = min(scale, fitting)
        return max(1, round(height * scale)), max(1, round(width * scale))


def colours(picture: Picture, rows: int, columns: int) -> Field:
    """(rows, columns, 3) float32 in 0..255; what is transparent turns to middle grey."""
    resized = cv2.resize(picture, (columns, rows), interpolation=cv2.INTER_AREA)
    small = premultiplied(resized)
    if small.shape[2] == 4:
        small = small[..., :3] + np.float32(0.5) * (1 - small[..., 3:])
    return small * np.float32(255)


def _grey(colours: Field) -> NDArray[np.uint8]:
    return np.asarray(np.rint(cv2.cvtColor(colours, cv2.COLOR_RGB2GRAY)), np.uint8)


FAST = Engine(
    name="fast",
    summary="optical flow both ways, several guesses of the motion mixed by fit; no weights",
    rank=20,
    make=Fast,
    missing=lambda options: "",
    least_bytes=BYTES_BESIDE,
)
