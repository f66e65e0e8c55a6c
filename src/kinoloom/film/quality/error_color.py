"""Errors drawn in colour: black where there is none, over violet and orange to pale yellow.

The error of a pixel is the mean absolute or root mean square difference over its colours, where 1
is the whole brightness.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FULL = 0.25
"""The error drawn in the last colour: 64 levels of 8 bits."""


def draw_error(error: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Draw a map of errors.

    Args:
        error: (H, W), where 1 is the whole brightness.

    Returns:
        (H, W, 3) uint8 RGB.
    """
    import cv2

    levels = np.rint(np.clip(error / FULL, 0, 1) * 255).astype(np.uint8)
    drawn = cv2.applyColorMap(levels, cv2.COLORMAP_INFERNO)
    return np.ascontiguousarray(drawn[..., ::-1])


def error_key(width_px: int, height_px: int) -> NDArray[np.uint8]:
    """The key to the colours: no error at the left, `FULL` and more at the right."""
    return draw_error(np.tile(np.linspace(0, FULL, width_px, dtype=np.float32), (height_px, 1)))
