"""Dense optical flow between two pictures, by OpenCV.

Source: Kroeger, Timofte, Dai and Van Gool, "Fast optical flow using dense inverse search", ECCV
2016.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from kinoloom.motion.flow import Flow

_LEAST_SIDE_PX = 32
"""Dense inverse search needs room for its patches; smaller pictures are continued to this."""


def dense_flow(first: NDArray[np.uint8], second: NDArray[np.uint8], start: Flow | None) -> Flow:
    """The motion from the first picture to the second, to the last pixel.

    It is the patch search of OpenCV's medium preset down to the full size, its outliers taken
    out by a median of 3x3. The preset's variational smoothing is left out: it rounds off the
    edges of moving things.

    Args:
        first, second: (h, w) grey levels, each side at least 1.
        start: a first guess of the flow, or None.

    Returns:
        (h, w, 2) in pixels.
    """
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    search.setFinestScale(0)
    search.setVariationalRefinementIterations(0)
    flow = searched(search, first, second, start)
    return np.dstack([cv2.medianBlur(flow[..., axis], 3) for axis in (0, 1)])


def searched(
    search: cv2.DISOpticalFlow,
    first: NDArray[np.uint8],
    second: NDArray[np.uint8],
    start: Flow | None = None,
) -> Flow:
    """What a dense inverse search finds, for pictures of any size; arguments as `dense_flow`."""
    height, width = first.shape
    room = [(0, max(0, _LEAST_SIDE_PX - side)) for side in (height, width)]
    first, second = (np.pad(grey, room, mode="edge") for grey in (first, second))
    if start is not None:
        start = np.pad(start, [*room, (0, 0)], mode="edge")
    flow = search.calc(first, second, start)  # type: ignore[arg-type]  # None is allowed
    return np.asarray(flow[:height, :width], np.float32)
