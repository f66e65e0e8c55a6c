"""Resizing to any size, without aliasing.

Reductions use OpenCV's area filter; enlargements a cubic one. Both work on whole pictures.
"""

from __future__ import annotations

import cv2
import numpy as np

from kinoloom.base.arrays import Picture


def resize(picture: Picture, width: int, height: int) -> Picture:
    """Resize a picture.

    Args:
        picture: (H, W) or (H, W, C), uint8, uint16 or float32.
        width, height: of the result, at least 1.
    """
    if picture.shape[:2] == (height, width):
        return picture
    smaller = height < picture.shape[0] or width < picture.shape[1]
    method = cv2.INTER_AREA if smaller else cv2.INTER_CUBIC
    resized = np.asarray(cv2.resize(picture, (width, height), interpolation=method))
    return resized.reshape(height, width, *picture.shape[2:])
