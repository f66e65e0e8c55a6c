"""Error maps in colour, from black over violet and orange to pale yellow (inferno).

The error of a pixel is the mean absolute or root mean square difference over its colours, where 1
is full scale.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FULL_SCALE_ERROR = 0.25
"""The error drawn in the last colour: 64 of 255 levels."""


def draw_error_map(error: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Draw an error map.

    Args:
        error: (H, W), where 1 is full scale.

    Returns:
        (H, W, 3) uint8 RGB.
    """
    import cv2

    levels = np.rint(np.clip(error / FULL_SCALE_ERROR, 0, 1) * 255).astype(np.uint8)
    drawing = cv2.applyColorMap(levels, cv2.COLORMAP_INFERNO)
    return np.ascontiguousarray(drawing[..., ::-1])


def draw_error_key(width_px: int, height_px: int) -> NDArray[np.uint8]:
    """Draw the colour key, from no error on the left to `FULL_SCALE_ERROR` on the right."""
    ramp = np.linspace(0, FULL_SCALE_ERROR, width_px, dtype=np.float32)
    return draw_error_map(np.tile(ramp, (height_px, 1)))
