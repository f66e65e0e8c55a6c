"""Changes between two aligned photos that optical flow does not explain.

Pictures are (h, w, 3) float32 in 8-bit levels, masks (h, w) bool.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from kinoloom.motion.dense_flow import dense_flow
from kinoloom.motion.flow import Field, pixel_grid, sample

MIN_SHARE = 0.001
"""Smallest share of the picture that an object covers."""
_CHANGE_LEVELS = 14.0
"""Smoothed difference from which a pixel has changed."""
_NOISE_FACTOR = 5.0
"""A change also exceeds the median difference by this factor."""
_SMOOTHING_SIGMA_PX = 1.5
_MAX_INCONSISTENCY_PX = 2.0
_GAP_PX, _SPECK_PX = 9, 3
"""Diameters of the gaps that are closed and of the specks that are removed."""

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Changes:
    """Changed regions that optical flow does not explain.

    Attributes:
        first: the region in the first photo.
        second: the region in the second.
    """

    first: Mask
    second: Mask

    def without(self, places: Mask) -> Changes:
        """Return the changes outside some places, without small remains."""
        return Changes(_clean(self.first & ~places), _clean(self.second & ~places))

    def keep_large(self, share: float) -> Mask:
        """Return the parts in either photo that cover a share of the picture or more."""
        return _keep_large(self.first, share) | _keep_large(self.second, share)


def find_unexplained_changes(first: Field, second: Field, seen: Mask) -> Changes:
    """Find the changes that neither the alignment nor optical flow explains.

    Args:
        first, second: aligned photos.
        seen: where the second photo shows something.
    """
    change = measure_difference(first, second)
    limit = max(_CHANGE_LEVELS, _NOISE_FACTOR * float(np.median(change)))
    changed = (change > limit) & seen
    if not _clean(changed).any():
        nothing = np.zeros_like(changed)
        return Changes(nothing, nothing)
    grey1, grey2 = to_grey(first), to_grey(second)
    forward, backward = dense_flow(grey1, grey2, None), dense_flow(grey2, grey1, None)
    masks = []
    for one, other, flow, back in (
        (first, second, forward, backward),
        (second, first, backward, forward),
    ):
        targets = pixel_grid(*flow.shape[:2]) + flow
        error = measure_difference(one, sample(other, targets))
        miss = np.linalg.norm(flow + sample(back, targets), axis=2)
        inconsistent = (miss > _MAX_INCONSISTENCY_PX).astype(np.float32)
        explained = (error < limit) & (cv2.blur(inconsistent, (7, 7)) < 0.5)
        masks.append(_clean(changed & ~explained))
    return Changes(*masks)


def measure_difference(one: Field, other: Field) -> Field:
    """Return the smoothed largest difference of the channels, (h, w)."""
    largest = cv2.absdiff(one, other).max(axis=2)
    return np.asarray(cv2.GaussianBlur(largest, (0, 0), _SMOOTHING_SIGMA_PX), np.float32)


def to_grey(picture: Field) -> NDArray[np.uint8]:
    """Convert a picture to grey levels."""
    return np.asarray(np.rint(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)), np.uint8)


def grow(mask: Mask, diameter_px: int) -> Mask:
    """Dilate a mask by a disc."""
    return np.asarray(cv2.dilate(mask.astype(np.uint8), disc(diameter_px)) > 0)


def disc(diameter_px: int) -> NDArray[np.uint8]:
    """Return a disc as the kernel of a morphological operation."""
    size = (diameter_px, diameter_px)
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, size), np.uint8)


def _clean(mask: Mask) -> Mask:
    """Close gaps of a mask and remove its parts that are smaller than an object."""
    opened = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_OPEN, disc(_SPECK_PX))
    closed = cv2.morphologyEx(opened, cv2.MORPH_CLOSE, disc(_GAP_PX))
    return _keep_large(closed > 0, MIN_SHARE)


def _keep_large(mask: Mask, share: float) -> Mask:
    """Return the connected parts of a mask that cover a share of it or more."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    is_large = stats[:, cv2.CC_STAT_AREA] >= share * mask.size
    is_large[0] = False
    return np.asarray(is_large[labels])
