"""FILM's augmentation of triplets, followed by a crop.

In this order, each with its own probability: rotation by 0, 90, 180 or 270 degrees; horizontal flip
(0.5); rotation by up to 45 degrees either way about the centre, black beyond the edges (0.5);
reversed time (0.5); crop. Source: google-research/frame-interpolation,
training/augmentation_lib.py, data_lib.py and config/film_net-L1.gin.

Rotation and crop are a single bilinear resampling here, in steps of 1/32 pixel and rounded to 8
bits; no pixel outside the crop is computed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from kinoloom.errors import UnsupportedMediaError
from kinoloom.learn.data.source import FrameTriplet

Pixels = NDArray[np.uint8]
_MAX_ANGLE_DEG = 45.0
_CHANGE_STRIDE = 8


@dataclass(frozen=True)
class Augmentation:
    """The enabled transforms; the defaults are FILM's.

    Attributes:
        turn: rotation by multiples of 90 degrees.
        rotate: rotation by up to 45 degrees.
        flip: horizontal flip.
        reverse: reversed order of the frames.
        shuffle: permuted colour channels, with probability 0.5.
        places: number of candidate crops; the one that changes most from frame 0 to frame 1 is
            used. FILM uses 1; more suit videos with static backgrounds.
    """

    turn: bool = True
    rotate: bool = True
    flip: bool = True
    reverse: bool = True
    shuffle: bool = False
    places: int = 1


NO_AUGMENTATION = Augmentation(turn=False, rotate=False, flip=False, reverse=False)


def augment(
    triplet: FrameTriplet, size_px: int, augmentation: Augmentation, rng: np.random.Generator
) -> FrameTriplet:
    """Return a randomly transformed square crop of a triplet.

    Args:
        triplet: frames whose sides are at least `size_px`.
        size_px: side of the square.
        augmentation: the enabled transforms.
        rng: consumes the same random numbers whatever is enabled.

    Raises:
        UnsupportedMediaError: the frames are smaller than the square.
    """
    height, width = triplet.frames[0].shape[:2]
    if min(height, width) < size_px:
        raise UnsupportedMediaError(
            f"{triplet.origin} has {width}x{height} pixels, fewer than the crop of "
            f"{size_px}x{size_px}.",
            hint="Remove the file, or train on smaller crops.",
        )
    quarters = int(rng.integers(4)) * augmentation.turn
    angle_deg = float(
        rng.uniform(-_MAX_ANGLE_DEG, _MAX_ANGLE_DEG) * (rng.random() < 0.5) * augmentation.rotate
    )
    enabled = [augmentation.flip, augmentation.reverse, augmentation.shuffle]
    flip, reverse, shuffle = (rng.random(3) < 0.5) & enabled
    channels = rng.permutation(3)
    corners = rng.random((max(1, augmentation.places), 2))
    frames = [np.rot90(frame, quarters)[:, :: -1 if flip else 1] for frame in triplet.frames]
    free = np.array(frames[0].shape[1::-1]) - size_px + 1
    candidates = [(int(x), int(y)) for x, y in corners * free]
    corner = _find_most_change(frames, candidates, size_px)
    crops = [_cut(frame, corner, size_px, angle_deg) for frame in frames]
    first, middle, last = (
        np.ascontiguousarray(crop[..., channels] if shuffle else crop) for crop in crops
    )
    if reverse:
        return FrameTriplet((last, middle, first), 1 - triplet.time, triplet.origin)
    return FrameTriplet((first, middle, last), triplet.time, triplet.origin)


def _cut(frame: Pixels, corner: tuple[int, int], size: int, angle_deg: float) -> Pixels:
    """Return the square at (left, top) of the frame rotated counter-clockwise about its centre."""
    left, top = corner
    if not angle_deg:
        return frame[top : top + size, left : left + size]
    centre = ((frame.shape[1] - 1) / 2, (frame.shape[0] - 1) / 2)
    matrix = cv2.getRotationMatrix2D(centre, angle_deg, 1.0)
    matrix[:, 2] -= corner
    crop = cv2.warpAffine(np.ascontiguousarray(frame), matrix, (size, size), flags=cv2.INTER_LINEAR)
    return np.asarray(crop, np.uint8)


def _find_most_change(
    frames: Sequence[Pixels], places: Sequence[tuple[int, int]], size: int
) -> tuple[int, int]:
    """Return the crop corner where frames 0 and 1 differ most, before rotation."""
    if len(places) == 1:
        return places[0]

    def change(corner: tuple[int, int]) -> float:
        first, last = (
            _cut(frames[k], corner, size, 0.0)[::_CHANGE_STRIDE, ::_CHANGE_STRIDE].astype(np.int16)
            for k in (0, 2)
        )
        return float(np.abs(first - last).mean())

    return max(places, key=change)
