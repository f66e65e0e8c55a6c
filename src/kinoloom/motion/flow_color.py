"""Flow colour coding: direction is the hue, speed the saturation.

The usual visualisation of optical flow (Baker et al., "A database and evaluation methodology for
optical flow", IJCV 92, 2011) on an evenly divided hue circle: right is red, down is yellow-green,
left is cyan, up is violet; no motion is white.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kinoloom.motion.flow import Flow


def typical_speed_px(flow: Flow) -> float:
    """Return the 99th percentile of the speeds in pixels, at least 1, for full saturation."""
    return max(float(np.percentile(np.hypot(flow[..., 0], flow[..., 1]), 99)), 1.0)


def draw_flow(flow: Flow, full_px: float) -> NDArray[np.uint8]:
    """Draw a flow field.

    Args:
        flow: (H, W, 2) in pixels.
        full_px: the speed of full saturation, above 0.

    Returns:
        (H, W, 3) uint8 RGB.
    """
    import cv2

    x, y = flow[..., 0], flow[..., 1]
    hue = np.rad2deg(np.arctan2(y, x)) % 360.0
    saturation = np.minimum(np.hypot(x, y) / full_px, 1.0)
    hsv = np.stack([hue, saturation, np.ones_like(hue)], axis=2).astype(np.float32)
    rgb = cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)
    return np.asarray(np.rint(rgb * 255.0), np.uint8)


def draw_color_wheel(size_px: int) -> NDArray[np.uint8]:
    """Draw the colour wheel: each point has the colour of the motion from the centre to it.

    Returns:
        (size_px, size_px, 3) uint8 RGB; white outside the circle.
    """
    axis = np.linspace(-1.0, 1.0, size_px, dtype=np.float32)
    wheel = np.stack(np.meshgrid(axis, axis), axis=2)
    key = draw_flow(wheel, 1.0)
    key[np.hypot(wheel[..., 0], wheel[..., 1]) > 1.0] = 255
    return key
