"""The engine `fast`: optical flow with several weighted motion candidates, without weights.

Once per pair: the camera motion, the flow in both directions starting from it, and the confidence
in each. Per time: motion candidates (`film.synthesis.candidates`) and their samples
(`film.synthesis.warping`).

The flow is computed on a grid of half the image size (up to the full size for small images), times
`flow_scale`; if that exceeds the memory limit, on a coarser grid with at least 256 pixels along
the longer side.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial

import cv2
import numpy as np
from numpy.typing import NDArray

from kinoloom.base.arrays import Picture
from kinoloom.base.units import format_bytes
from kinoloom.errors import ArrayError, BudgetError
from kinoloom.film.engine import (
    Engine,
    EngineOptions,
    ErrorMap,
    NewFrames,
    PairOfPhotos,
    PictureFormat,
)
from kinoloom.film.quality.error_estimate import estimate_error
from kinoloom.film.synthesis.candidates import View, build_candidates, build_views
from kinoloom.film.synthesis.parallel import render_in_order
from kinoloom.film.synthesis.photo_frames import render_photo_frames
from kinoloom.film.synthesis.pixels import check_same_format, premultiply_alpha
from kinoloom.film.synthesis.preprocess import interpolate_pair
from kinoloom.film.synthesis.static import StaticPixels
from kinoloom.film.synthesis.warping import MotionSource, blend_source
from kinoloom.motion.camera import CameraEstimator, global_motion
from kinoloom.motion.dense_flow import dense_flow
from kinoloom.motion.flow import Field, Flow, camera_flow, resize_flow, scale_homography

_GRID_SCALE = 0.5
MAX_FULL_SIZE_CELLS = 80_000
"""Images of at most this many pixels use a grid of full size: better, and still fast."""
_MIN_GRID_SIDE_PX = 256
_BYTES_PER_CELL = 240
WORKING_MEMORY_BYTES = 32_000_000
"""Memory of a band of rows, the camera motion and the libraries."""
_PICTURES = 3
"""Pictures that the engine holds: the pair and the new one."""
_MAX_SIDE_PX = 32766
"""OpenCV's limit on the images that it can sample."""


Reserve = Callable[[int, int, EngineOptions], int]
"""(height, width, options) -> bytes."""


def _reserve_nothing(height: int, width: int, options: EngineOptions) -> int:
    return 0


class Fast:
    """Interpolation by optical flow; see `film.engine.Interpolator`.

    Args:
        options: `weights` is not used.
        reserve: returns the part of the memory limit that the caller needs for itself.
    """

    def __init__(self, options: EngineOptions, reserve: Reserve = _reserve_nothing) -> None:
        self.options = options
        self._reserve = reserve

    def interpolate(self, first: Picture, second: Picture, times: Sequence[float]) -> NewFrames:
        """Yield one frame per time; identical images are returned as they are.

        Raises:
            ArrayError: the images differ in shape or dtype, or a side exceeds 32766 pixels.
            BudgetError: even the coarsest grid exceeds the memory limit.
        """
        return interpolate_pair(first, second, times, self._render_frames)

    def interpolate_photos(
        self, first: Picture, second: Picture, times: Sequence[float], pair: PairOfPhotos
    ) -> NewFrames:
        """Interpolate as `interpolate`, with the known camera motion."""
        render = partial(self._render_photos, pair=pair)
        return interpolate_pair(first, second, times, render)

    def _render_frames(self, first: Picture, second: Picture, times: Sequence[float]) -> NewFrames:
        views = self.analyse(first, second)
        static = StaticPixels(first, second)

        def render(time: float) -> tuple[Picture, ErrorMap]:
            candidates, fit = build_candidates(*views, time)
            frame = blend_source(first, second, MotionSource(candidates, "cubic"), time)
            static.copy_to(frame, time)
            return frame, estimate_error(fit)

        return render_in_order(render, times, first.shape[0] * first.shape[1])

    def _render_photos(
        self, first: Picture, second: Picture, times: Sequence[float], pair: PairOfPhotos
    ) -> NewFrames:
        views = self.analyse(first, second, lambda *_: pair.camera)

        def build_sources(time: float) -> tuple[list[MotionSource], ErrorMap]:
            candidates, fit = build_candidates(*views, time, is_quick=True)
            return [MotionSource(candidates, "cubic")], estimate_error(fit)

        return render_photo_frames((first, second), views, times, build_sources)

    def estimate_flow(self, first: Picture, second: Picture) -> tuple[Flow, Flow]:
        """Return the flow from first to second and the flow back, each (H, W, 2) in pixels.

        Raises:
            ArrayError, BudgetError: as `interpolate`.
        """
        check_same_format(first, second)
        height, width = first.shape[:2]
        pair = self.analyse(np.ascontiguousarray(first), np.ascontiguousarray(second))
        forward, backward = (resize_flow(view.flow, height, width) for view in pair)
        return forward, backward

    def analyse(
        self,
        first: Picture,
        second: Picture,
        estimate_camera: CameraEstimator = global_motion,
    ) -> tuple[View, View]:
        """Compute everything that does not depend on the time.

        Args:
            first, second: contiguous, of one shape.
            estimate_camera: returns the camera motion between them.

        Raises:
            ArrayError, BudgetError: as `interpolate`.
        """
        height, width = first.shape[:2]
        rows, columns = self.choose_grid(first)
        small1, small2 = (resize_colors(image, rows, columns) for image in (first, second))
        grey1, grey2 = (_to_grey(small) for small in (small1, small2))
        motion = estimate_camera(first, second)
        start = back = None
        if motion is not None:
            motion = scale_homography(motion, columns / width, rows / height)
            inverse = np.asarray(np.linalg.inv(motion), np.float64)
            start = camera_flow(motion, rows, columns)
            back = camera_flow(inverse, rows, columns)
        forward, backward = dense_flow(grey1, grey2, start), dense_flow(grey2, grey1, back)
        return build_views(small1, small2, forward, backward)

    def choose_grid(self, image: Picture) -> tuple[int, int]:
        """Return the rows and columns of the grid.

        Raises:
            ArrayError: a side exceeds OpenCV's limit.
            BudgetError: even the coarsest grid exceeds the memory limit.
        """
        height, width = image.shape[:2]
        longer = max(height, width)
        if longer > _MAX_SIDE_PX:
            raise ArrayError(
                f"The engine fast supports sides of at most {_MAX_SIDE_PX} pixels, "
                f"not {width}x{height}.",
                hint="Reduce the images.",
            )
        working = WORKING_MEMORY_BYTES + self._reserve(height, width, self.options)
        free = self.options.memory_bytes - _PICTURES * image.nbytes - working
        scale = choose_scale(height, width, self.options)
        affordable = math.sqrt(max(free, 0) / _BYTES_PER_CELL / (height * width))
        if affordable < min(scale, _MIN_GRID_SIDE_PX / longer):
            raise BudgetError(
                f"Images of {width}x{height} cannot be interpolated within "
                f"{format_bytes(self.options.memory_bytes)}.",
                hint="Raise --memory, or reduce the images.",
            )
        scale = min(scale, affordable)
        return max(1, round(height * scale)), max(1, round(width * scale))


def estimate_memory(
    pictures: PictureFormat, options: EngineOptions, reserve: Reserve = _reserve_nothing
) -> int:
    """Return the least memory that pictures of a format need: that of the coarsest grid."""
    height, width = pictures.height, pictures.width
    scale = min(choose_scale(height, width, options), _MIN_GRID_SIDE_PX / max(height, width))
    cells = math.ceil(pictures.pixels * scale**2) + 1  # 1 more than rounding can take
    working = WORKING_MEMORY_BYTES + reserve(height, width, options)
    return working + _PICTURES * pictures.nbytes + _BYTES_PER_CELL * cells


def choose_scale(height: int, width: int, options: EngineOptions) -> float:
    """Return the scale of the grid if there is enough memory."""
    full_size = math.sqrt(MAX_FULL_SIZE_CELLS / (height * width))
    return min(max(_GRID_SCALE, full_size), 1.0) * options.flow_scale


def resize_colors(image: Picture, rows: int, columns: int) -> Field:
    """Resize to (rows, columns, 3) float32 in 0..255, with transparent areas in middle grey."""
    resized = cv2.resize(image, (columns, rows), interpolation=cv2.INTER_AREA)
    small = premultiply_alpha(resized)
    if small.shape[2] == 4:
        small = small[..., :3] + np.float32(0.5) * (1 - small[..., 3:])
    return small * np.float32(255)


def _to_grey(colors: Field) -> NDArray[np.uint8]:
    return np.asarray(np.rint(cv2.cvtColor(colors, cv2.COLOR_RGB2GRAY)), np.uint8)


FAST = Engine(
    name="fast",
    summary="optical flow in both directions with weighted motion candidates; needs no weights",
    rank=20,
    build=Fast,
    missing=lambda options: "",
    min_memory_bytes=WORKING_MEMORY_BYTES,
    estimate_memory=estimate_memory,
)
