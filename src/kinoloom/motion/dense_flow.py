"""Dense optical flow between two pictures, with OpenCV's dense inverse search (DIS).

Source: Kroeger, Timofte, Dai and Van Gool, "Fast optical flow using dense inverse search", ECCV
2016.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from kinoloom.motion.flow import Flow

_MIN_SIDE_PX = 32
"""DIS needs this much for its patches; smaller pictures are padded."""


def dense_flow(first: NDArray[np.uint8], second: NDArray[np.uint8], start: Flow | None) -> Flow:
    """Estimate the motion from the first picture to the second at full resolution.

    The patch search of OpenCV's medium preset runs down to the finest scale; a 3x3 median removes
    outliers. The preset's variational refinement is off: it blurs motion boundaries.

    Args:
        first, second: (h, w) grey levels, each side at least 1.
        start: initial flow, or None.

    Returns:
        (h, w, 2) in pixels.
    """
    search = create_search(finest_scale=0, refinements=0)
    flow = search_flow(search, first, second, start)
    return np.dstack([cv2.medianBlur(flow[..., axis], 3) for axis in (0, 1)])


def create_search(
    finest_scale: int | None = None,
    refinements: int | None = None,
    *,
    descents: int | None = None,
    stride_px: int | None = None,
) -> cv2.DISOpticalFlow:
    """Create a dense inverse search with OpenCV's medium preset.

    Args:
        finest_scale: the search ends at 1 / 2^finest_scale of the size; None is the preset's.
        refinements: iterations of variational refinement; None is the preset's.
        descents: iterations of gradient descent per patch; None is the preset's.
        stride_px: between patches; None is the preset's.
    """
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    if finest_scale is not None:
        search.setFinestScale(finest_scale)
    if refinements is not None:
        search.setVariationalRefinementIterations(refinements)
    if descents is not None:
        search.setGradientDescentIterations(descents)
    if stride_px is not None:
        search.setPatchStride(stride_px)
    return search


def search_flow(
    search: cv2.DISOpticalFlow,
    first: NDArray[np.uint8],
    second: NDArray[np.uint8],
    start: Flow | None = None,
) -> Flow:
    """Run a dense inverse search on pictures of any size; arguments as `dense_flow`."""
    height, width = first.shape
    padding = [(0, max(0, _MIN_SIDE_PX - side)) for side in (height, width)]
    first, second = (np.pad(grey, padding, mode="edge") for grey in (first, second))
    if start is not None:
        start = np.pad(start, [*padding, (0, 0)], mode="edge")
    flow = search.calc(first, second, start)  # type: ignore[arg-type]  # None is allowed
    return np.asarray(flow[:height, :width], np.float32)
