"""Camera motion between two pictures: the one homography that most of the scene follows.

Local features (SIFT) are found in reduced grey copies, matched by descriptor, and the motion
that most of them agree on is fitted robustly, so that moving subjects, changed exposure and
parts seen by one picture only do not disturb it. Its error is about half a
pixel of the reduced copy, twice that at the picture's corners.

Sources: Lowe, "Distinctive image features from scale-invariant keypoints", IJCV 60(2), 2004
(features and ratio test); Barath et al., "MAGSAC++, a fast, reliable and accurate robust
estimator", CVPR 2020 (the fit, as in OpenCV).
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from kinoloom.base.arrays import Picture, check_picture, from_float, to_float

Homography = NDArray[np.float64]
"""(3, 3) float64: takes pixel (x, y, 1) of one picture to the same scene point in another."""

_SIDE_PX = 224
"""Longest side of the reduced copies: below it accuracy falls quickly, above it time grows."""
_FEATURES = 500
_CONTRAST = 0.02
"""Half of the usual, so that soft and dim pictures have features too."""
_RATIO = 0.8
_TOLERANCE_PX = 1.5
_LEAST_AGREEING = 10
"""Pictures of different scenes reach fewer agreeing matches than this in 99 of 100 cases."""
_ENOUGH_FOR_PERSPECTIVE = 30
"""Fewer matches than this cannot be trusted with perspective, which would run wild outside."""
_MOST_SCALE = 4.0


def global_motion(first: Picture, second: Picture) -> Homography | None:
    """The motion of the camera from the first picture to the second.

    Args:
        first, second: pictures of any size, see `base.arrays`.

    Returns:
        The homography that takes pixels of `first` to pixels of `second`, its last element 1;
        None where too few features agree on one motion, or it is not one that a camera makes.

    Raises:
        ArrayError: not pictures.
    """
    points1, what1, _ = _features(check_picture(first, "first picture"))
    points2, what2, scale = _features(check_picture(second, "second picture"))
    pairs = _pairs(what1, what2)
    if len(pairs) < _LEAST_AGREEING:
        return None
    at1, at2 = points1[pairs[:, 0]], points2[pairs[:, 1]]
    motion = _agreed(at1, at2, _TOLERANCE_PX / scale)
    if motion is None or not _is_of_a_camera(motion, first.shape[:2], second.shape[:2]):
        return None
    return motion


def reduced(image: Picture, side_px: int) -> NDArray[np.uint8]:
    """The picture's colours at a longest side of at most `side_px`, (h, w, 3) uint8."""
    height, width = image.shape[:2]
    scale = min(1.0, side_px / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = image if scale == 1.0 else cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(from_float(to_float(small)[..., :3], np.dtype(np.uint8)))


def stretched_grey(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Grey whose 1st and 99th percentiles are 0 and 255: dark and bright copies look alike.

    Contrast grows at most 5 times, so that noise of a plain picture does not become texture.
    """
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)
    low, high = np.percentile(grey, (1, 99))
    return np.asarray(np.clip((grey - low) * (255.0 / max(high - low, 51.0)), 0, 255), np.uint8)


def _features(image: Picture) -> tuple[NDArray[np.float32], NDArray[np.float32], float]:
    """Positions in the picture (n, 2), descriptors (n, 128), and the reduced copy's scale."""
    grey = stretched_grey(reduced(image, _SIDE_PX))
    finder = cv2.SIFT.create(_FEATURES, contrastThreshold=_CONTRAST)
    keys, descriptors = finder.detectAndCompute(grey, None)
    scale = max(grey.shape) / max(image.shape[:2])
    points = np.array([key.pt for key in keys], np.float32).reshape(-1, 2)
    points = (points + np.float32(0.5)) / np.float32(scale) - np.float32(0.5)  # pixel centres
    if descriptors is None:
        descriptors = np.zeros((0, 128), np.float32)
    return points, np.asarray(descriptors, np.float32), scale


def _pairs(first: NDArray[np.float32], second: NDArray[np.float32]) -> NDArray[np.intp]:
    """Indices (n, 2) of descriptors much closer to each other than to the next best."""
    if len(first) == 0 or len(second) < 2:
        return np.zeros((0, 2), np.intp)
    found = cv2.BFMatcher(cv2.NORM_L2).knnMatch(first, second, k=2)
    clear = [best for best, other in found if best.distance < _RATIO * other.distance]
    return np.array([(m.queryIdx, m.trainIdx) for m in clear], np.intp).reshape(-1, 2)


def _agreed(
    first: NDArray[np.float32], second: NDArray[np.float32], tolerance: float
) -> Homography | None:
    """The motion that most matched points (n, 2) follow to within `tolerance` pixels."""
    _, agree = cv2.findHomography(first, second, cv2.USAC_MAGSAC, tolerance)
    agreeing = np.zeros(len(first), bool) if agree is None else agree.ravel() > 0
    first, second = first[agreeing], second[agreeing]
    if len(first) < _LEAST_AGREEING:
        return None
    if len(first) < _ENOUGH_FOR_PERSPECTIVE:
        similar, _ = cv2.estimateAffinePartial2D(first, second, ransacReprojThreshold=tolerance)
        return None if similar is None else np.vstack([similar, [0.0, 0.0, 1.0]])
    motion, _ = cv2.findHomography(first, second)
    return None if motion is None else np.asarray(motion / motion[2, 2], np.float64)


def _is_of_a_camera(motion: NDArray[Any], first: tuple[int, ...], second: tuple[int, ...]) -> bool:
    """Whether a picture's outline stays convex, neither mirrored nor flat nor far resized.

    Args:
        motion: (3, 3).
        first, second: (height, width) of the pictures.
    """
    height, width = first
    corners = np.array([(0, 0, 1), (width, 0, 1), (width, height, 1), (0, height, 1)], float)
    moved = corners @ motion.T
    if np.any(moved[:, 2] * motion[2, 2] <= 0):
        return False
    outline = moved[:, :2] / moved[:, 2:]
    edges = np.roll(outline, -1, axis=0) - outline
    after = np.roll(edges, -1, axis=0)
    turns = edges[:, 0] * after[:, 1] - edges[:, 1] * after[:, 0]
    size = max(second) / max(first)
    lengths = np.linalg.norm(edges, axis=1) / np.array([width, height] * 2) / size
    fair = (lengths > 1 / _MOST_SCALE) & (lengths < _MOST_SCALE)
    open_enough = turns > width * height * (size / _MOST_SCALE) ** 2
    return bool(np.all(fair) and np.all(open_enough))
