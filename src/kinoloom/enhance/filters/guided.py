"""The guided filter: smoothing that keeps the edges of a guide.

Source: He, Sun and Tang, "Guided image filtering", IEEE TPAMI 35(6), 2013; the coefficients are
computed at a reduced size as in He and Sun, "Fast guided filter", 2015.
"""

from __future__ import annotations

import cv2
import numpy as np

from kinoloom.enhance.filters.channels import Plane, enlarge, reduce


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
    side = 2 * max(1, round(radius / reduction)) + 1

    def mean(plane: Plane) -> Plane:
        return np.asarray(cv2.blur(plane, (side, side), borderType=cv2.BORDER_REFLECT), np.float32)

    reduced = reduce(guide, reduction)
    center = mean(reduced)
    variance = np.maximum(mean(reduced * reduced) - center * center, 0)
    results = []
    for plane in planes:
        values = reduce(plane, reduction)
        average = mean(values)
        covariance = mean(reduced * values) - center * average
        slope = np.asarray(covariance / (variance + np.float32(eps)), np.float32)
        offset = average - slope * center
        full = [enlarge(mean(part), reduction, guide.shape) for part in (slope, offset)]
        results.append(full[0] * guide + full[1])
    return results
