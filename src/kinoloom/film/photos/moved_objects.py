"""Objects that moved far between two photos, in front of a background that optical flow explains.

Optical flow fails where a small object moves further than its own size: the object fades out at one
place and in at another. Such an object is found on small copies of the photos. Changed regions that
flow does not explain (`changes`) propose displacements (`displacements`). Along each of these, flow
follows rotation, scale and deformation, and the object is where it then explains the change in both
photos. Its outlines must agree, and the rest of the picture must be still: in videos, where all
moves, chance matches are common and the flow of the whole picture is better.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from kinoloom.film.photos.changes import (
    MIN_SHARE,
    Changes,
    Mask,
    disc,
    find_unexplained_changes,
    grow,
    measure_difference,
    to_grey,
)
from kinoloom.film.photos.displacements import propose_displacements
from kinoloom.motion.dense_flow import dense_flow
from kinoloom.motion.flow import Field, Flow, pixel_grid, sample

WORKING_SIDE_PX = 512
"""Longest side of the copies."""
_MIN_DISTANCE = 0.08
"""Displacement, relative to the longest side, below which optical flow is better."""
_MAX_DEFORMATION_PX = 14
"""Largest motion relative to the displacement of the object."""
_MAX_INCONSISTENCY_PX = 3.0
_MAX_RELATIVE_ERROR = 0.5
"""Matching error of an object relative to its change."""
_MIN_OVERLAP = 0.4
"""Overlap (intersection over union) of an object's outlines in both photos, laid on each other.
Objects reach 0.5 even if they turn by 12 degrees; chance matches in videos stay below 0.3."""
_GAP_PX, _SPECK_PX = 9, 5
_HALO_PX = 9
_MAX_OBJECTS = 4


@dataclass(frozen=True)
class MovedObject:
    """An object at two places, in pixels of the working copy of the first photo.

    Attributes:
        displacement: (x, y), from the first to the second place.
        first: (h, w), where the object is in the first photo.
        second: (h, w), where it is in the second.
        evidence: by how much it explains the change better than required, summed over its pixels.
    """

    displacement: tuple[float, float]
    first: Mask
    second: Mask
    evidence: float


def find_moved_objects(first: Field, second: Field, seen: Mask) -> list[MovedObject]:
    """Find objects that moved too far for optical flow.

    Args:
        first, second: (h, w, 3) float32 in 8-bit levels, at most `WORKING_SIDE_PX`, with the same
            exposure, the second warped by the camera motion onto the first.
        seen: (h, w), where the second photo shows something.

    Returns:
        The objects, largest first; none if the background changes, too.
    """
    changes = find_unexplained_changes(first, second, seen)
    objects: list[MovedObject] = []
    while len(objects) < _MAX_OBJECTS and changes.first.any() and changes.second.any():
        shortest_px = _MIN_DISTANCE * max(seen.shape)
        proposals = propose_displacements(first, second, changes, shortest_px)
        located = [_locate(first, second, changes, each) for each in proposals]
        found = max(filter(None, located), key=lambda one: one.evidence, default=None)
        if found is None:
            break
        objects.append(found)
        changes = changes.without(grow(found.first | found.second, _HALO_PX))
    area = sum(int(one.first.sum()) for one in objects)
    is_still = max(changes.first.sum(), changes.second.sum()) <= area
    return sorted(objects, key=lambda one: -int(one.first.sum())) if is_still else []


def _locate(
    first: Field, second: Field, changes: Changes, displacement: tuple[float, float]
) -> MovedObject | None:
    """Return the object that moved by about a displacement, or None if too little matches."""
    shape = changes.first.shape
    shift = np.array(displacement, np.float32)
    there = pixel_grid(*shape) + shift
    target = sample(changes.second.astype(np.float32), there) > 0.5
    window = _bound(changes.first & grow(target, 2 * _MAX_DEFORMATION_PX + 1))
    if window is None:
        return None
    one, other = first[window], sample(second, there)[window]
    grey1, grey2 = _isolate(one, changes.first[window]), _isolate(other, target[window])
    flow, back = dense_flow(grey1, grey2, None), dense_flow(grey2, grey1, None)
    change = measure_difference(first, second)
    gain1 = _MAX_RELATIVE_ERROR * change[window] - _match(one, other, flow, back)
    gain2 = _MAX_RELATIVE_ERROR * sample(change, there)[window] - _match(other, one, back, flow)
    part1 = _keep_object((gain1 > 0) & changes.first[window], MIN_SHARE * change.size)
    part2 = _keep_object((gain2 > 0) & target[window], MIN_SHARE * change.size)
    if not _overlap_enough(part1, part2):
        return None
    before, after = (np.zeros(shape, np.uint8) for _ in range(2))
    before[window], after[window] = part1, part2
    moved = cv2.remap(after, pixel_grid(*shape) - shift, None, cv2.INTER_NEAREST)  # type: ignore[call-overload]
    places = before > 0, moved > 0
    evidence = min(float(gain1[part1].sum()), float(gain2[part2].sum()))
    if _measure_outline(first, second, *places) < _measure_outline(second, first, *places):
        evidence /= 2  # the gap that an object leaves on a flat background moves the other way
    rest = np.clip(np.median(flow[part1], axis=0), -_MAX_DEFORMATION_PX, _MAX_DEFORMATION_PX)
    exact = displacement[0] + float(rest[0]), displacement[1] + float(rest[1])
    return MovedObject(exact, *places, evidence)


def _bound(mask: Mask) -> tuple[slice, slice] | None:
    """Return the bounding box of a mask with a margin, or None if it is empty."""
    if not mask.any():
        return None
    margin = 2 * _MAX_DEFORMATION_PX
    ends = [np.flatnonzero(mask.any(axis=axis))[[0, -1]] for axis in (1, 0)]
    rows, columns = (slice(max(0, int(a) - margin), int(b) + margin + 1) for a, b in ends)
    return rows, columns


def _isolate(image: Field, mask: Mask) -> NDArray[np.uint8]:
    """Return the grey levels inside a mask, middle grey outside: flow follows the inside only."""
    soft = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 2)
    return np.asarray(np.rint(to_grey(image) * soft + 128 * (1 - soft)), np.uint8)


def _match(one: Field, other: Field, flow: Flow, back: Flow) -> Field:
    """Return the difference in 8-bit levels without or with a small flow, the smaller of both."""
    targets = pixel_grid(*flow.shape[:2]) + flow
    plain, error = measure_difference(one, other), measure_difference(one, sample(other, targets))
    miss = np.linalg.norm(flow + sample(back, targets), axis=2)
    is_small = np.linalg.norm(flow, axis=2) < _MAX_DEFORMATION_PX
    return np.where(is_small & (miss < _MAX_INCONSISTENCY_PX), np.minimum(plain, error), plain)


def _keep_object(mask: Mask, min_area_px: float) -> Mask:
    """Close gaps, fill holes and keep the parts that are large enough."""
    closed = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_CLOSE, disc(_GAP_PX))
    opened = cv2.morphologyEx(closed, cv2.MORPH_OPEN, disc(_SPECK_PX))
    outlines, _ = cv2.findContours(opened, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    kept = [outline for outline in outlines if cv2.contourArea(outline) >= min_area_px]
    filled = np.zeros(mask.shape, np.uint8)
    cv2.drawContours(filled, kept, -1, 1, -1)
    return filled > 0


def _overlap_enough(one: Mask, other: Mask) -> bool:
    union = (one | other).sum()
    return bool(union and (one & other).sum() >= _MIN_OVERLAP * union)


def _measure_outline(first: Field, second: Field, before: Mask, after: Mask) -> float:
    """Return the mean gradient along an outline in both photos; an object has one, a gap none."""
    total = 0.0
    for image, mask in ((first, before), (second, after)):
        grey = to_grey(image)
        edge = np.hypot(cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1))
        ring = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_GRADIENT, disc(_SPECK_PX)) > 0
        total += float(edge[ring].mean()) if ring.any() else 0.0
    return total
