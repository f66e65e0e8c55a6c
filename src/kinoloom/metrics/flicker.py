"""Flicker: what changes from frame to frame although the scene does not, apart from its motion.

The next frame of a result is warped back along the optical flow of the ground truth, and the
absolute difference is averaged over colours and over the pixels where the ground truth itself
changes little. Noise and unstable detail raise it; motion and occlusions do not. Compare it with
that of the ground truth, which is not 0: flow is not exact.

Source: the warping error of Lai et al., "Learning blind video temporal consistency", ECCV 2018;
here absolute instead of squared, and with the flow of the ground truth.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from kinoloom.base.arrays import Picture, check_picture, to_float
from kinoloom.errors import ArrayError

_MAX_CHANGE = 6.0
"""Change of the ground truth after warping, in 8-bit levels, above which a pixel is left out."""


def measure_flicker(
    frames: Sequence[Picture], truth: Sequence[Picture], flows: Sequence[NDArray[np.float32]]
) -> float:
    """Measure the flicker of consecutive frames.

    Args:
        frames: two or more, (H, W, 3) of one size.
        truth: the ground truth of each frame, of the same size; `frames` itself is allowed.
        flows: the flow of the ground truth from each frame to the next, (H, W, 2) float32 in
            pixels as (x, y); one less than there are frames.

    Returns:
        In 8-bit levels, the mean over all pairs of frames; 0 for pure motion. Pairs without a
        stable pixel do not count; nan if none is left.

    Raises:
        ArrayError: not pictures, or their numbers or sizes differ.
    """
    if len(frames) < 2 or len(truth) != len(frames) or len(flows) != len(frames) - 1:
        raise ArrayError(
            f"{len(frames)} frames, {len(truth)} of ground truth and {len(flows)} flows: expected "
            "two or more frames, as many of ground truth, and one flow less."
        )
    means = []
    for pair, true_pair, flow in zip(pairwise(frames), pairwise(truth), flows, strict=True):
        is_stable = _warp_difference(*true_pair, flow) < _MAX_CHANGE
        if is_stable.any():
            means.append(_warp_difference(*pair, flow)[is_stable].mean())
    return float(np.mean(means)) if means else float("nan")


def _warp_difference(
    first: Picture, second: Picture, flow: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return the difference of the first frame from the warped second one, in levels: (H, W)."""
    import cv2

    check_picture(first, "frame")
    check_picture(second, "frame")
    height, width = first.shape[:2]
    if second.shape != first.shape or flow.shape != (height, width, 2):
        raise ArrayError(
            f"The frames and the flow differ in size: {first.shape}, {second.shape} and "
            f"{flow.shape}."
        )
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    x, y = x + flow[..., 0], y + flow[..., 1]
    edge = cv2.BORDER_REPLICATE
    warped = cv2.remap(to_float(second), x, y, cv2.INTER_LINEAR, borderMode=edge)
    difference = np.abs(np.asarray(warped) - to_float(first)).mean(axis=2)
    return np.asarray(difference * 255, np.float32)
