"""Camera motion between two pictures: the homography that most of the scene follows.

SIFT features of reduced grey copies are matched by descriptor, and a homography is fitted robustly
to the matches, so that moving subjects, a different exposure and parts visible in one picture only
do not disturb it. Its error is about half a pixel of the reduced copy, twice that at the corners.

Sources: Lowe, "Distinctive image features from scale-invariant keypoints", IJCV 60(2), 2004
(features and ratio test); Barath et al., "MAGSAC++, a fast, reliable and accurate robust
estimator", CVPR 2020 (the fit, as in OpenCV).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from kinoloom.base.arrays import Picture, check_picture, from_float, to_float

Homography = NDArray[np.float64]
"""(3, 3) float64: maps pixel (x, y, 1) of one picture to the same scene point in another."""

CameraEstimator = Callable[[Picture, Picture], Homography | None]
"""A function such as `global_motion`."""

_SIDE_PX = 224
"""Longest side of the reduced copies: smaller loses accuracy quickly, larger costs time."""
_FEATURES = 500
_CONTRAST = 0.02
"""Half of OpenCV's default, so that blurred and dim pictures have features too."""
_RATIO = 0.8
_TOLERANCE_PX = 1.5
_MIN_INLIERS = 10
"""Pictures of different scenes have fewer inliers than this in 99 of 100 cases."""
_MIN_INLIERS_FOR_PERSPECTIVE = 30
"""With fewer inliers perspective terms extrapolate wildly; a similarity is fitted instead."""
_MAX_SCALE = 4.0


def global_motion(first: Picture, second: Picture) -> Homography | None:
    """Estimate the camera motion from the first picture to the second.

    Args:
        first, second: pictures of any size, see `base.arrays`.

    Returns:
        The homography that maps pixels of `first` to pixels of `second`, its last element 1; None
        if too few features agree, or the homography is implausible for a camera.

    Raises:
        ArrayError: not pictures.
    """
    points1, descriptors1, _ = _detect_features(check_picture(first, "first picture"))
    points2, descriptors2, scale = _detect_features(check_picture(second, "second picture"))
    matches = _match(descriptors1, descriptors2)
    if len(matches) < _MIN_INLIERS:
        return None
    matched1, matched2 = points1[matches[:, 0]], points2[matches[:, 1]]
    motion = _fit(matched1, matched2, _TOLERANCE_PX / scale)
    if motion is None or not _is_plausible(motion, first.shape[:2], second.shape[:2]):
        return None
    return motion


def shrink_picture(image: Picture, side_px: int) -> NDArray[np.uint8]:
    """Shrink a picture to a longest side of at most `side_px`, (h, w, 3) uint8, without alpha."""
    height, width = image.shape[:2]
    scale = min(1.0, side_px / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = image if scale == 1.0 else cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(from_float(to_float(small)[..., :3], np.dtype(np.uint8)))


def normalise_grey(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Convert to grey with the 1st and 99th percentiles at 0 and 255, whatever the exposure.

    Contrast is raised at most 5 times, so that noise of a flat picture does not become texture.
    """
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)
    low, high = np.percentile(grey, (1, 99))
    return np.asarray(np.clip((grey - low) * (255.0 / max(high - low, 51.0)), 0, 255), np.uint8)


def _detect_features(image: Picture) -> tuple[NDArray[np.float32], NDArray[np.float32], float]:
    """Return positions in the picture (n, 2), descriptors (n, 128), and the copy's scale."""
    grey = normalise_grey(shrink_picture(image, _SIDE_PX))
    detector = cv2.SIFT.create(_FEATURES, contrastThreshold=_CONTRAST)
    keys, descriptors = detector.detectAndCompute(grey, None)
    scale = max(grey.shape) / max(image.shape[:2])
    points = np.array([key.pt for key in keys], np.float32).reshape(-1, 2)
    points = (points + np.float32(0.5)) / np.float32(scale) - np.float32(0.5)  # pixel centres
    if descriptors is None:
        descriptors = np.zeros((0, 128), np.float32)
    return points, np.asarray(descriptors, np.float32), scale


def _match(first: NDArray[np.float32], second: NDArray[np.float32]) -> NDArray[np.intp]:
    """Return the indices (n, 2) of descriptor pairs that pass Lowe's ratio test."""
    if len(first) == 0 or len(second) < 2:
        return np.zeros((0, 2), np.intp)
    candidates = cv2.BFMatcher(cv2.NORM_L2).knnMatch(first, second, k=2)
    distinct = [best for best, other in candidates if best.distance < _RATIO * other.distance]
    return np.array([(m.queryIdx, m.trainIdx) for m in distinct], np.intp).reshape(-1, 2)


def _fit(
    first: NDArray[np.float32], second: NDArray[np.float32], tolerance: float
) -> Homography | None:
    """Fit a homography to matched points (n, 2); inliers are within `tolerance` pixels."""
    _, mask = cv2.findHomography(first, second, cv2.USAC_MAGSAC, tolerance)
    inliers = np.zeros(len(first), bool) if mask is None else mask.ravel() > 0
    first, second = first[inliers], second[inliers]
    if len(first) < _MIN_INLIERS:
        return None
    if len(first) < _MIN_INLIERS_FOR_PERSPECTIVE:
        similarity, _ = cv2.estimateAffinePartial2D(first, second, ransacReprojThreshold=tolerance)
        return None if similarity is None else np.vstack([similarity, [0.0, 0.0, 1.0]])
    motion, _ = cv2.findHomography(first, second)
    return None if motion is None else np.asarray(motion / motion[2, 2], np.float64)


def _is_plausible(motion: NDArray[Any], first: tuple[int, ...], second: tuple[int, ...]) -> bool:
    """Whether the picture's outline stays convex, is not mirrored, and keeps its size within 4x.

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
    keeps_size = (lengths > 1 / _MAX_SCALE) & (lengths < _MAX_SCALE)
    is_convex = turns > width * height * (size / _MAX_SCALE) ** 2
    return bool(np.all(keeps_size) and np.all(is_convex))
