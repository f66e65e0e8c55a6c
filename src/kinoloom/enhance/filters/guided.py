"""The guided filter: smoothing that keeps the edges of a guide.

Source: He, Sun and Tang, "Guided image filtering", IEEE TPAMI 35(6), 2013; the coefficients are
computed at a reduced size as in He and Sun, "Fast guided filter", 2015.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]


def smooth_guided(
    guide: Plane, planes: list[Plane], radius: int, eps: float, reduction: int = 1
) -> list[Plane]:
    """Smooth planes where the guide is smooth.

    Args:
        guide: (H, W) float32 in 0..1.
        planes: each (H, W) float32.
        radius: half the window's side in pixels, at least 1.
        eps: variance of the guide below which a window counts as smooth.
        reduction: factor by which the size is reduced to compute the coefficients.

    Returns:
        The smoothed planes, each (H, W) float32.
    """
    height, width = guide.shape
    small = (max(1, round(width / reduction)), max(1, round(height / reduction)))
    side = 2 * max(1, round(radius / reduction)) + 1

    def reduce(plane: Plane) -> Plane:
        if small == (width, height):
            return plane
        return np.asarray(cv2.resize(plane, small, interpolation=cv2.INTER_AREA), np.float32)

    def mean(plane: Plane) -> Plane:
        return np.asarray(cv2.blur(plane, (side, side), borderType=cv2.BORDER_REFLECT), np.float32)

    def enlarge(plane: Plane) -> Plane:
        if small == (width, height):
            return plane
        return np.asarray(
            cv2.resize(plane, (width, height), interpolation=cv2.INTER_LINEAR), np.float32
        )

    reduced = reduce(guide)
    center = mean(reduced)
    variance = np.maximum(mean(reduced * reduced) - center * center, 0)
    results = []
    for plane in planes:
        values = reduce(plane)
        average = mean(values)
        slope = (mean(reduced * values) - center * average) / (variance + np.float32(eps))
        offset = average - slope * center
        results.append(enlarge(mean(slope)) * guide + enlarge(mean(offset)))
    return results
