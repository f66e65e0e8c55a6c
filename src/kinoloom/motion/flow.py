"""Dense flow fields: consistency, sampling, resizing, and the flow of a camera motion.

A flow is (h, w, 2) float32: for each pixel of one picture its displacement to the other, as (x, y)
in pixels. Fields are sampled between their pixels; beyond the border the edge is
repeated.
`motion.dense_flow` estimates flows.

Source: Sundaram, Brox and Keutzer, "Dense point trajectories by GPU-accelerated large displacement
optical flow", ECCV 2010 (the consistency check).
"""

from __future__ import annotations

from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from kinoloom.errors import ArrayError
from kinoloom.motion.camera import Homography

Flow = NDArray[np.float32]
"""(H, W, 2) float32: for each pixel of one picture, its displacement to the other, as (x, y) in
pixels."""

Field = NDArray[np.float32]
"""(h, w) or (h, w, C) float32: values over the pixels of a picture."""

Kernel = Literal["bilinear", "cubic"]
"""The interpolation of values between pixels."""

_KERNELS = {"bilinear": cv2.INTER_LINEAR, "cubic": cv2.INTER_CUBIC}
_RELATIVE, _ABSOLUTE_PX2 = 0.01, 0.5


def consistency(forward: Flow, backward: Flow) -> Field:
    """Measure the forward-backward consistency of two flows.

    With f the forward flow at a pixel and b the backward flow at its target, the consistency is
    exp(-|f + b|² / (0.01 (|f|² + |b|²) + 0.5)). The source's threshold is an exponent of -1.

    Args:
        forward, backward: (H, W, 2) in pixels, from first to second and from second to first.

    Returns:
        (H, W) in 0..1: 1 where both agree, near 0 where a pixel is occluded in the second picture
        or was matched wrongly.

    Raises:
        ArrayError: the flows have different shapes, or are not (H, W, 2).
    """
    if forward.shape != backward.shape or forward.ndim != 3 or forward.shape[2] != 2:
        raise ArrayError(
            "The flows must both have the shape (height, width, 2), not "
            f"{forward.shape} and {backward.shape}."
        )
    back = sample(backward, pixel_grid(*forward.shape[:2]) + forward)
    miss = _squared_length(forward + back)
    scale = _squared_length(forward) + _squared_length(back)
    return np.exp(-miss / (_RELATIVE * scale + _ABSOLUTE_PX2))


def pixel_grid(height: int, width: int, top: int = 0) -> Field:
    """Return the position (x, y) of each pixel, (height, width, 2).

    Args:
        height, width: in pixels.
        top: index of the first row.
    """
    rows = np.arange(top, top + height, dtype=np.float32)
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), rows)
    return np.stack([x, y], axis=2)


def sample(field: NDArray[Any], positions: Field, kernel: Kernel = "bilinear") -> NDArray[Any]:
    """Sample a field at positions between its pixels; edges are repeated.

    Args:
        field: (h, w) or (h, w, C), C at most 4, float32, uint16 or uint8.
        positions: (H, W, 2) as (x, y) in pixels of the field.
        kernel: cubic samples of float fields may exceed their range slightly.

    Returns:
        (H, W) or (H, W, C) in the field's dtype.
    """
    return cv2.remap(field, positions, None, _KERNELS[kernel], borderMode=cv2.BORDER_REPLICATE)  # type: ignore[call-overload, no-any-return]


def resize_flow(flow: Flow, height: int, width: int) -> Flow:
    """Resize a flow for another size of the same pictures, in pixels of that size."""
    ratio = np.array([width / flow.shape[1], height / flow.shape[0]], np.float32)
    return cv2.resize(flow, (width, height)) * ratio


def scale_homography(motion: Homography, x_ratio: float, y_ratio: float) -> Homography:
    """Convert a camera motion to the pixels of pictures resized by these ratios."""
    # Pixel centres have integer coordinates before and after.
    to = np.array([[x_ratio, 0, 0.5 * x_ratio - 0.5], [0, y_ratio, 0.5 * y_ratio - 0.5], [0, 0, 1]])
    return np.asarray(to @ motion @ np.linalg.inv(to), np.float64)


def camera_flow(motion: Homography, height: int, width: int) -> Flow:
    """Return the flow of a static scene under a camera motion.

    Args:
        motion: maps pixels of the first picture to pixels of the second.
        height, width: of the pictures, in pixels.

    Returns:
        (height, width, 2) on the pixels of the first picture.
    """
    grid = pixel_grid(height, width)
    return np.asarray(cv2.perspectiveTransform(grid, motion) - grid, np.float32)


def _squared_length(flow: Flow) -> Field:
    return flow[..., 0] * flow[..., 0] + flow[..., 1] * flow[..., 1]
