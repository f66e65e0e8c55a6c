"""Layers of a pair of photos: a background without the objects that moved far, and each object.

An engine interpolates the background, in which each photo fills the place of an object from the
other photo, and each object as a picture with alpha, whose displacement is removed. The layers are
then composed, with the objects on a straight way between their two places.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from kinoloom.base.arrays import Picture, from_float, to_float
from kinoloom.film.engine import Interpolator, NewFrames, PairOfPhotos, PhotoInterpolator
from kinoloom.film.photos.changes import Mask, find_unexplained_changes, grow
from kinoloom.film.photos.moved_objects import (
    WORKING_SIDE_PX,
    MovedObject,
    find_moved_objects,
)
from kinoloom.film.quality.regions import MIN_SHARE
from kinoloom.film.synthesis.pixels import premultiply_alpha, unpremultiply_alpha
from kinoloom.motion.camera import Homography
from kinoloom.motion.flow import Field, scale_homography

_EDGE_SIGMA_PX = 0.7
_EDGE_SLOPE = 1.6
_HALO_PX = 7
"""Diameter by which the place of an object grows before it is filled."""
_MARGIN_PX = 6
_INPAINT_RADIUS_PX = 3


@dataclass(frozen=True)
class ObjectLayer:
    """An object of both photos as pictures with alpha.

    Attributes:
        first, second: (h, w, 4), without the displacement between them.
        corner: (x, y) of the layer in the first photo, in pixels.
        displacement: (x, y) to its place in the second photo, in pixels of the first.
    """

    first: Picture
    second: Picture
    corner: tuple[float, float]
    displacement: tuple[float, float]


@dataclass(frozen=True)
class Layers:
    """The layers of a pair of photos.

    Attributes:
        first, second: both photos without the objects.
        objects: the objects, the farthest in the back first.
        camera: camera motion from the first photo to the second.
    """

    first: Picture
    second: Picture
    objects: tuple[ObjectLayer, ...]
    camera: Homography


def interpolate_layers(
    engine: Interpolator, first: Picture, second: Picture, times: Sequence[float],
    pair: PairOfPhotos,
) -> NewFrames:  # fmt: skip
    """Interpolate a pair of photos; objects that moved far are tracked.

    Args:
        engine: interpolates each layer.
        first, second: (H, W, C) of one shape, dtype and exposure.
        times: some of those of the pair, each in the open interval (0, 1).
        pair: what is known about it.

    Yields:
        The frame at each time, with the error map of its background.
    """
    layers = split_layers(first, second, pair.camera)
    if layers is None:
        yield from _interpolate(engine, first, second, times, pair)
        return
    del first, second  # large photos: the layers replace them
    backgrounds = _interpolate(engine, layers.first, layers.second, times, pair)
    still = replace(pair, camera=None)
    sprites = [_interpolate(engine, one.first, one.second, times, still) for one in layers.objects]
    for time, (frame, error), *pictures in zip(times, backgrounds, *sprites, strict=True):
        height, width = frame.shape[:2]
        motion = _interpolate_camera(layers.camera, height, width, time)
        for one, (picture, _) in zip(layers.objects, pictures, strict=True):
            _compose(frame, picture, one, motion, time)
        yield frame, error


def _interpolate(
    engine: Interpolator, first: Picture, second: Picture, times: Sequence[float],
    pair: PairOfPhotos,
) -> NewFrames:  # fmt: skip
    """Interpolate with what is known about the pair, if the engine can use it."""
    if isinstance(engine, PhotoInterpolator):
        return engine.interpolate_photos(first, second, times, pair)
    return engine.interpolate(first, second, times)


def split_layers(first: Picture, second: Picture, camera: Homography | None) -> Layers | None:
    """Separate objects that moved far from the background.

    Args:
        first, second: photos of one shape and exposure.
        camera: maps pixels of the first photo to the second; None for a still camera.

    Returns:
        The layers; None if no such object is found.
    """
    camera = np.eye(3) if camera is None else camera
    small1, warped, seen, scale = _align_copies(first, second, camera)
    found = find_moved_objects(small1, warped, seen)
    if not found:
        return None
    to_working = _resize_matrix(*scale)
    back = np.asarray(np.linalg.inv(camera), np.float64)
    places = _plan_places(small1, warped, seen, found)
    return Layers(
        _fill(first, second, camera, places.first, places, to_working),
        _fill(second, first, back, places.second, places, to_working @ back),
        tuple(_cut_out(first, second, one, camera, to_working) for one in found),
        camera,
    )


def find_faded(first: Picture, second: Picture, camera: Homography | None) -> Mask:
    """Find what fades in a film: changes that neither flow nor a layer explains.

    Args:
        first, second, camera: as those of `split_layers`.

    Returns:
        (h, w), on the working copy of the first photo.
    """
    camera = np.eye(3) if camera is None else camera
    small1, warped, seen, _ = _align_copies(first, second, camera)
    changes = find_unexplained_changes(small1, warped, seen)
    for one in find_moved_objects(small1, warped, seen):
        changes = changes.without(grow(one.first | one.second, _HALO_PX))
    return changes.keep_large(MIN_SHARE)


def _align_copies(
    first: Picture, second: Picture, camera: Homography
) -> tuple[Field, Field, Mask, tuple[float, float]]:
    """Return working copies, the second warped onto the first, where it shows, and their scale."""
    height, width = first.shape[:2]
    size = _working_size(width, height)
    small1, small2 = _shrink(first, size), _shrink(second, size)
    scale = size[0] / width, size[1] / height
    motion = scale_homography(camera, *scale)
    seen = _warp(np.ones(small2.shape[:2], np.float32), motion, size, cv2.BORDER_CONSTANT) > 0.99
    return small1, _warp(small2, motion, size), seen, scale


def _resize_matrix(x_ratio: float, y_ratio: float) -> Homography:
    """Return the map from pixels of a picture to those of its resized copy."""
    return np.array(
        [[x_ratio, 0, 0.5 * x_ratio - 0.5], [0, y_ratio, 0.5 * y_ratio - 0.5], [0, 0, 1]]
    )


@dataclass(frozen=True)
class _Places:
    """Where a photo is filled from the other one, on the working copy of the first photo.

    Attributes:
        first, second: (h, w) in 0..1, the places in each photo.
        unknown: (h, w) in 0..1, where neither photo shows the background.
        colors: (h, w, 3) in 0..255, plausible colours of the background there.
    """

    first: Field
    second: Field
    unknown: Field
    colors: Field


def _plan_places(first: Field, warped: Field, seen: Mask, found: Sequence[MovedObject]) -> _Places:
    """Plan the filling; the second photo is warped onto the first."""
    first_place, second_place = (
        grow(np.any([getattr(one, name) for one in found], axis=0), _HALO_PX)
        for name in ("first", "second")
    )
    unknown = first_place & (second_place | ~seen)
    base = np.where((first_place & ~unknown)[..., None], warped, first)
    levels = np.clip(np.rint(base), 0, 255).astype(np.uint8)
    hole = grow(unknown, _HALO_PX).astype(np.uint8)
    colors = cv2.inpaint(levels, hole, _INPAINT_RADIUS_PX, cv2.INPAINT_TELEA)
    return _Places(
        _soften(first_place),
        _soften(second_place),
        _soften(unknown),
        colors.astype(np.float32),
    )


def _fill(
    picture: Picture, other: Picture, to_other: Homography, place: Field, places: _Places,
    to_working: Homography,
) -> Picture:  # fmt: skip
    """Return a photo with a place filled from the other photo.

    Args:
        picture, other: (H, W, C).
        to_other: maps pixels of the picture to the other one.
        place: (h, w) in 0..1, on the working copy.
        places: what to use where neither photo shows the background.
        to_working: maps pixels of the picture to the working copy.
    """
    from_working = np.asarray(np.linalg.inv(to_working), np.float64)
    box = _bound(place > 0.01, from_working, picture.shape[:2])
    rows, columns = box
    if rows.start >= rows.stop or columns.start >= columns.stop:
        return picture
    corner = _translate(columns.start, rows.start)
    size = columns.stop - columns.start, rows.stop - rows.start
    alpha, unknown = (
        _warp(field, to_working @ corner, size, cv2.BORDER_CONSTANT)[..., None]
        for field in (place, places.unknown)
    )
    content = to_float(_warp(other, to_other @ corner, size))
    guess = _warp(places.colors, to_working @ corner, size) / np.float32(255)
    content[..., :3] += unknown * (guess - content[..., :3])
    filled = picture.copy()
    before = to_float(picture[box])
    filled[box] = from_float(before + alpha * (content - before), picture.dtype)
    return filled


def _cut_out(
    first: Picture, second: Picture, found: MovedObject, camera: Homography, to_working: Homography
) -> ObjectLayer:
    """Return the layer of an object."""
    from_working = np.asarray(np.linalg.inv(to_working), np.float64)
    displacement = np.diag(from_working)[:2] * found.displacement
    back = _translate(*(-displacement))
    boxes = [
        _bound(mask, motion @ from_working)
        for mask, motion in ((found.first, np.eye(3)), (found.second, back))
    ]
    top, left = (min(box[axis].start for box in boxes) for axis in (0, 1))
    bottom, right = (max(box[axis].stop for box in boxes) for axis in (0, 1))
    size = right - left, bottom - top
    at_first = _translate(left, top)
    at_second = _translate(left + displacement[0], top + displacement[1])
    return ObjectLayer(
        _add_alpha(
            _warp(first, at_first, size), _warp_mask(found.first, to_working @ at_first, size)
        ),
        _add_alpha(
            _warp(second, camera @ at_second, size),
            _warp_mask(found.second, to_working @ at_second, size),
        ),
        (left, top),
        (float(displacement[0]), float(displacement[1])),
    )


def _add_alpha(picture: Picture, alpha: Field) -> Picture:
    """Return (h, w, 4), grey where it is transparent."""
    values = to_float(picture)
    color = np.where(alpha[..., None] > 0, values[..., :3], np.float32(0.5))
    opacity = alpha * values[..., 3] if values.shape[2] == 4 else alpha
    return from_float(np.dstack([color, opacity]), picture.dtype)


def _compose(
    frame: Picture, sprite: Picture, layer: ObjectLayer, camera: Homography, time: float
) -> None:
    """Draw the picture of an object at a time over a frame."""
    x, y = (c + time * d for c, d in zip(layer.corner, layer.displacement, strict=True))
    placed = camera @ _translate(x, y)
    whole = np.ones(sprite.shape[:2], bool)
    box = _bound(whole, placed, frame.shape[:2])
    rows, columns = box
    if rows.start >= rows.stop or columns.start >= columns.stop:
        return
    size = columns.stop - columns.start, rows.stop - rows.start
    motion = np.linalg.inv(placed) @ _translate(columns.start, rows.start)
    over = _warp(premultiply_alpha(sprite), motion, size, cv2.BORDER_CONSTANT, cv2.INTER_CUBIC)
    over = np.clip(over, 0, 1)
    under = premultiply_alpha(frame[box])
    mixed = over[..., : under.shape[2]] + (1 - over[..., 3:]) * under
    frame[box] = unpremultiply_alpha(mixed, like=frame)


def _interpolate_camera(camera: Homography, height: int, width: int, time: float) -> Homography:
    """Return the camera motion until a time; the corners of the picture move evenly."""
    corners = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
    moved = cv2.perspectiveTransform(corners[None], camera)[0]
    way = corners + np.float32(time) * (moved - corners)
    return np.asarray(cv2.getPerspectiveTransform(corners, way.astype(np.float32)), np.float64)


def _bound(
    mask: Mask, motion: Homography, shape: tuple[int, ...] | None = None
) -> tuple[slice, slice]:
    """Return the (rows, columns) that a mask covers after a motion, within a shape if given."""
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    margin = _MARGIN_PX
    top, bottom = rows[0] - margin, rows[-1] + margin + 1
    left, right = columns[0] - margin, columns[-1] + margin + 1
    corners = np.array([[(left, top), (right, top), (right, bottom), (left, bottom)]], np.float64)
    moved = cv2.perspectiveTransform(corners, motion)[0]
    low, high = np.floor(moved.min(axis=0)).astype(int), np.ceil(moved.max(axis=0)).astype(int)
    if shape is not None:
        limits = np.array([shape[1], shape[0]])
        low, high = np.clip(low, 0, limits), np.clip(high, 0, limits)
    return slice(int(low[1]), int(high[1])), slice(int(low[0]), int(high[0]))


def _warp_mask(mask: Mask, motion: Homography, size: tuple[int, int]) -> Field:
    """Warp a mask of the working copy; its edge is about as wide as a working pixel."""
    return _warp(_soften(mask), motion, size, cv2.BORDER_CONSTANT)


def _soften(mask: Mask) -> Field:
    blurred = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), _EDGE_SIGMA_PX)
    return np.asarray(np.clip((blurred - 0.5) * np.float32(_EDGE_SLOPE) + 0.5, 0, 1), np.float32)


def _translate(x: float, y: float) -> Homography:
    return np.array([[1.0, 0.0, x], [0.0, 1.0, y], [0.0, 0.0, 1.0]])


def _warp(
    picture: NDArray[Any],
    motion: Homography,
    size: tuple[int, int],
    border: int = cv2.BORDER_REPLICATE,
    kernel: int = cv2.INTER_LINEAR,
) -> NDArray[Any]:
    """Sample a picture at `motion` of each pixel of a result of (width, height)."""
    flags = kernel | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpPerspective(picture, motion, size, flags=flags, borderMode=border))


def _shrink(picture: Picture, size: tuple[int, int]) -> Field:
    """Return a working copy, (h, w, 3) float32 in 0..255."""
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    return to_float(np.asarray(small))[..., :3] * np.float32(255)


def _working_size(width: int, height: int) -> tuple[int, int]:
    scale = min(1.0, WORKING_SIDE_PX / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))
