"""Forward splatting: projects a flow from the pixels of a picture to an intermediate time.

Each pixel moves along its own flow, and its flow is distributed bilinearly to the four pixels
around its target. Where several arrive, better matched pixels have more weight; where none arrives,
the intermediate frame shows what was occluded in that picture.

Source of the weighting: Niklaus and Liu, "Softmax splatting for video frame interpolation", CVPR
2020, with weights from brightness constancy as here.
"""

from __future__ import annotations

import cv2
import numpy as np

from kinoloom.motion.flow import Field, Flow

_SPREAD = np.array([0.125, 0.75, 0.125], np.float32)
"""Spreads a pixel about as far as bilinear splatting does on average."""


def project(flow: Flow, time: float, weight: Field) -> tuple[Flow, Field]:
    """Project a flow to an intermediate time.

    Args:
        flow: (h, w, 2) in pixels, on the pixels of the first picture.
        time: in 0..1, the fraction of the flow that has passed.
        weight: (h, w), above 0: confidence in each pixel's flow.

    Returns:
        (h, w, 2), the flow on the pixels of the intermediate frame, zero where nothing arrives; and
        (h, w), the total weight that arrives.
    """
    height, width = weight.shape
    x, along_x = _place(np.arange(width, dtype=np.float32), flow[..., 0], time, width)
    y, along_y = _place(np.arange(height, dtype=np.float32)[:, None], flow[..., 1], time, height)
    stride = width + 3  # a margin catches pixels that leave the frame
    index = ((y + 1) * stride + x + 1).ravel()
    cells = (height + 3) * stride
    sums = np.zeros((3, cells))
    for down, right in ((0, 0), (0, 1), (1, 0), (1, 1)):
        part = weight * (along_y if down else 1 - along_y) * (along_x if right else 1 - along_x)
        where = index + (down * stride + right)
        for total, value in zip(
            sums, (part, part * flow[..., 0], part * flow[..., 1]), strict=True
        ):
            total += np.bincount(where, value.ravel(), cells)
    arrived = sums.reshape(3, height + 3, stride)[:, 1 : height + 1, 1 : width + 1]
    mean = arrived[1:] / np.maximum(arrived[0], np.finfo(np.float32).tiny)
    return np.moveaxis(mean, 0, 2).astype(np.float32, order="C"), arrived[0].astype(np.float32)


def project_quickly(flow: Flow, time: float, weight: Field) -> tuple[Flow, Field]:
    """Project a flow in a quarter of the time, with errors of up to half a pixel in its place.

    Each pixel's flow is added to the pixel nearest to its target; then a binomial filter spreads
    it. The arguments and the result are those of `project`.
    """
    height, width = weight.shape
    elapsed = np.float32(time)
    x = np.rint(np.arange(width, dtype=np.float32) + elapsed * flow[..., 0])
    y = np.rint(np.arange(height, dtype=np.float32)[:, None] + elapsed * flow[..., 1])
    stride = width + 2  # a margin catches pixels that leave the frame
    rows = np.clip(y, -1, height).astype(np.int32) + 1
    index = (rows * stride + np.clip(x, -1, width).astype(np.int32) + 1).ravel().astype(np.intp)
    planes = [
        np.bincount(index, values.ravel(), (height + 2) * stride).astype(np.float32)
        for values in (weight, weight * flow[..., 0], weight * flow[..., 1])
    ]
    sums = cv2.merge([plane.reshape(height + 2, stride) for plane in planes])
    spread = cv2.sepFilter2D(sums, -1, _SPREAD, _SPREAD)[1 : height + 1, 1 : width + 1]
    planes = [np.asarray(plane, np.float32) for plane in cv2.split(np.ascontiguousarray(spread))]
    arrived, along_x, along_y = planes
    divisor = np.maximum(arrived, np.finfo(np.float32).tiny)
    return np.asarray(cv2.merge([along_x / divisor, along_y / divisor]), np.float32), arrived


def _place(start: Field, shift: Field, time: float, size: int) -> tuple[np.ndarray, Field]:
    """Return the targets along an axis: the integer part, -1..size, and the fraction, 0..1."""
    place = np.clip(start + np.float32(time) * shift, -1, size)
    whole = np.floor(place)
    return whole.astype(np.int64), place - whole
