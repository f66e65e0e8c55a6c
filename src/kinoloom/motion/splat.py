"""Forward splatting: projects a flow from the pixels of a picture to an intermediate time.

Each pixel moves along its own flow, and its flow is distributed bilinearly to the four pixels
around its target. Where several arrive, better matched pixels have more weight; where none arrives,
the intermediate frame shows what was occluded in that picture.

Source of the weighting: Niklaus and Liu, "Softmax splatting for video frame interpolation", CVPR
2020, with weights from brightness constancy as here.
"""

from __future__ import annotations

import numpy as np

from kinoloom.motion.flow import Field, Flow


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


def _place(start: Field, shift: Field, time: float, size: int) -> tuple[np.ndarray, Field]:
    """Return the targets along an axis: the integer part, -1..size, and the fraction, 0..1."""
    place = np.clip(start + np.float32(time) * shift, -1, size)
    whole = np.floor(place)
    return whole.astype(np.int64), place - whole
