"""Displacements that may bring a changed region of one photo onto that of another.

Two methods propose them. Patches of the region, on copies of half the size, vote for the
displacement at which each fits best; this finds textured objects, even if they turn a little. On
copies of an eighth all pixels of the region are compared with all of the other region; this finds
plain objects, too. In a table of displacements (x, y) zero is at the centre.
"""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np

from kinoloom.film.photos.changes import Changes, Mask, grow
from kinoloom.motion.flow import Field

_PATCH_PX = 9
_MIN_STRIDE_PX, _MAX_PATCHES = 4, 400
_MIN_PATCH_DEVIATION = 4.0
_MAX_PATCH_ERROR, _MAX_RELATIVE_PATCH_ERROR = 25.0, 0.2
"""Mean squared error of a match: absolute, and relative to the variance of the patch."""
_MAX_PIXEL_DIFFERENCE = 24.0
_SMOOTHING = ((0, 1.5, 2.0), (0, 4.0, 2.0), (1, 0.6, 4.0))
"""Index of a table, standard deviation of its smoothing, and its pixel in working pixels."""
_PEAKS, _PEAK_RADIUS_PX = 2, 4
_MIN_DISTANCE_PX = 6.0
"""Proposals that are closer to each other are one."""


def propose_displacements(
    first: Field, second: Field, changes: Changes, shortest_px: float
) -> list[tuple[float, float]]:
    """Return the likeliest displacements (x, y) of an object in pixels, at most six.

    Args:
        first, second: (h, w, 3) float32, the aligned photos in 8-bit levels.
        changes: the regions in both.
        shortest_px: shorter displacements are not proposed.
    """
    tables = _vote(first, second, changes), _count_matches(first, second, changes)
    found: list[tuple[float, float]] = []
    for index, sigma, pixel in _SMOOTHING:
        table = cv2.GaussianBlur(tables[index], (0, 0), sigma)
        rows, columns = table.shape
        cv2.circle(table, (columns // 2, rows // 2), round(shortest_px / pixel), 0.0, -1)
        for _ in range(_PEAKS):
            row, column = divmod(int(table.argmax()), columns)
            if table[row, column] <= 0:
                break
            cv2.circle(table, (column, row), _PEAK_RADIUS_PX, 0.0, -1)
            x, y = pixel * (column - columns // 2), pixel * (row - rows // 2)
            if all(np.hypot(x - u, y - v) > _MIN_DISTANCE_PX for u, v in found):
                found.append((x, y))
    return found


def _vote(first: Field, second: Field, changes: Changes) -> Field:
    """Count the patches that vote for each displacement."""
    small1, small2 = _half(first), _half(second)
    height, width = small1.shape[:2]
    votes = np.zeros((2 * height, 2 * width), np.float32)
    radius = _PATCH_PX // 2
    target = _half_mask(grow(changes.second, 5))
    is_outside = ~target[radius : height - radius, radius : width - radius]
    for x, y in _choose_patches(small1, _half_mask(changes.first)):
        patch = small1[y - radius : y + radius + 1, x - radius : x + radius + 1]
        error = cv2.matchTemplate(small2, patch, cv2.TM_SQDIFF) / patch.size
        error[is_outside] = np.inf
        row, column = divmod(int(error.argmin()), error.shape[1])
        variance = float(patch.reshape(-1, 3).var(axis=0).mean())
        if error[row, column] < _MAX_PATCH_ERROR + _MAX_RELATIVE_PATCH_ERROR * variance:
            votes[row + radius - y + height, column + radius - x + width] += 1
    return votes


def _choose_patches(image: Field, region: Mask) -> Iterator[tuple[int, int]]:
    """Yield the centres (x, y) of textured patches in a region, evenly distributed."""
    height, width = region.shape
    radius, window = _PATCH_PX // 2, (_PATCH_PX, _PATCH_PX)
    grey = image.mean(axis=2)
    variance = cv2.blur(grey * grey, window) - cv2.blur(grey, window) ** 2
    usable = region & (variance > _MIN_PATCH_DEVIATION**2)
    usable[:radius], usable[height - radius :] = False, False
    usable[:, :radius], usable[:, width - radius :] = False, False
    stride = _MIN_STRIDE_PX
    while usable[::stride, ::stride].sum() > _MAX_PATCHES:
        stride += 1
    for y, x in np.argwhere(usable[::stride, ::stride]) * stride:
        yield int(x), int(y)


def _count_matches(first: Field, second: Field, changes: Changes) -> Field:
    """Count the pixels of the region that match at each displacement; near matches count less."""
    small1, small2 = _half(_half(first)), _half(_half(second))
    source, target = (
        _half(_half(mask.astype(np.float32))) > 0.5 for mask in (changes.first, changes.second)
    )
    height, width = source.shape
    counts = np.zeros((2 * height, 2 * width), np.float32)
    rows, columns = np.nonzero(source)
    colors = small1[rows, columns]
    for y, x in np.argwhere(target):
        difference = np.abs(colors - small2[y, x]).max(axis=1)
        match = np.maximum(0, 1 - difference / _MAX_PIXEL_DIFFERENCE)
        counts[y - rows + height, x - columns + width] += match
    return counts


def _half(image: Field) -> Field:
    size = (max(1, image.shape[1] // 2), max(1, image.shape[0] // 2))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.float32)


def _half_mask(mask: Mask) -> Mask:
    return _half(mask.astype(np.float32)) > 0.5
