"""The motion of a pair, estimated by optical flow and by the flow network, as motion sources."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from kinoloom.base.arrays import Picture
from kinoloom.film.engine import ErrorMap
from kinoloom.film.engines.fast import Fast, resize_colors
from kinoloom.film.quality.error_estimate import estimate_error
from kinoloom.film.synthesis.candidates import View, build_candidates, measure_top_speed
from kinoloom.film.synthesis.midpoint_flow import project_midpoint_flow
from kinoloom.film.synthesis.resolution import find_fine_cells, plan_tiles, refine_motion
from kinoloom.film.synthesis.warping import Box, MotionSource
from kinoloom.motion.camera import CameraEstimator, global_motion
from kinoloom.motion.flow import Field
from kinoloom.motion.flow_network import FlowNetwork, MidpointFlow, network_size

_FINE_BYTES_PER_PIXEL = 200
"""Memory of the images, the motion at full size and its projection to a time."""


@dataclass(frozen=True)
class PairMotion:
    """The motion between two images.

    Attributes:
        views: both images with their optical flow, on the grid of `fast`.
        coarse: the network's motion on about the same grid.
        fine: the network's motion at full size, or None.
        presence: (H, W) in 0..1, where `fine` was estimated; None without it.
    """

    views: tuple[View, View]
    coarse: MidpointFlow
    fine: MidpointFlow | None = None
    presence: Field | None = None

    def build_sources(
        self, time: float, *, is_quick: bool = False
    ) -> tuple[list[MotionSource], ErrorMap]:
        """Return the motion sources at a time, and the error estimate of optical flow alone.

        The sources are, in this order: optical flow, the network at half size, and, if there is
        `fine`, the network at full size with the kernel it was trained with, and with a cubic one.

        Args:
            time: in the open interval (0, 1).
            is_quick: project motion by `splat.project_quickly`.
        """
        candidates, fit = build_candidates(*self.views, time, is_quick=is_quick)
        sources = [
            MotionSource(candidates, "cubic"),
            MotionSource(project_midpoint_flow(self.coarse, time, is_quick=is_quick), "bilinear"),
        ]
        if self.fine is not None:
            fine = project_midpoint_flow(self.fine, time, is_quick=is_quick)
            sources += [
                MotionSource(fine, "bilinear", self.presence),
                MotionSource(fine, "cubic", self.presence),
            ]
        return sources, estimate_error(fit)

    def measure_top_speed(self, width: int) -> float:
        """Return `candidates.measure_top_speed` of the optical flow."""
        return measure_top_speed(self.views, width)


class MotionEstimator:
    """Estimates the motion of pairs by optical flow and by the flow network.

    Args:
        fast: estimates the optical flow, and decides the grid.

    Raises:
        WeightsError: the shipped weights are damaged.
    """

    def __init__(self, fast: Fast) -> None:
        self.fast = fast
        self.network = FlowNetwork()

    def estimate(
        self,
        first: Picture,
        second: Picture,
        *,
        full_size: bool,
        estimate_camera: CameraEstimator = global_motion,
    ) -> PairMotion:
        """Estimate the motion between two contiguous images of one shape.

        Args:
            first, second: (H, W, C).
            full_size: run the network at full size, too, where it gains from that, if memory
            suffices.
        """
        coarse = self.estimate_coarse(first, second, estimate_camera)
        height, width = first.shape[:2]
        needed_bytes = _FINE_BYTES_PER_PIXEL * height * width
        if not full_size or needed_bytes > self.fast.options.memory_bytes // 2:
            return coarse
        colors = [resize_colors(image, height, width) for image in (first, second)]
        is_fine = find_fine_cells(colors[0], colors[1], coarse.coarse)
        boxes = plan_tiles(is_fine, height, width)
        return self.refine(first, second, coarse, boxes) if boxes else coarse

    def estimate_coarse(
        self, first: Picture, second: Picture, estimate_camera: CameraEstimator = global_motion
    ) -> PairMotion:
        """Estimate the motion on the grid of `fast` alone."""
        rows, columns = network_size(*self.fast.choose_grid(first))
        small = (resize_colors(image, rows, columns) / np.float32(255) for image in (first, second))
        # Neither keeps both cores busy alone.
        with ThreadPoolExecutor(1, thread_name_prefix="kinoloom-motion") as pool:
            coarse = pool.submit(self.network, *small)
            views = self.fast.analyse(first, second, estimate_camera)
            return PairMotion(views, coarse.result())

    def refine(
        self, first: Picture, second: Picture, motion: PairMotion, boxes: list[Box]
    ) -> PairMotion:
        """Add the motion at full size in some boxes of pixels."""
        colors = [resize_colors(image, *image.shape[:2]) for image in (first, second)]
        refined = refine_motion(self.network, colors[0], colors[1], motion.coarse, boxes)
        return PairMotion(motion.views, motion.coarse, *refined)
