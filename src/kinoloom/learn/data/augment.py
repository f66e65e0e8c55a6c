"""FILM's augmentation of triplets, and the crop after it.

In this order, each with its own chance: a turn by 0, 90, 180 or 270 degrees; a flip from left to
right (half of the time); a rotation by up to 45 degrees either way about the centre, black beyond
the edges (half); frames 0 and 1 exchanged (half); then a crop. Source: google-research/
frame-interpolation, training/augmentation_lib.py, data_lib.py and config/film_net-L1.gin.

The rotation and the crop are one bilinear resampling here, in steps of 1/32 pixel and rounded to
8 bits; nothing else of the picture is computed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from kinoloom.errors import UnsupportedMediaError
from kinoloom.learn.data.source import Shot

Pixels = NDArray[np.uint8]
_MOST_TURN_DEG = 45.0
_SPARSE = 8


@dataclass(frozen=True)
class Augmentation:
    """Which changes are made; the defaults are FILM's.

    Attributes:
        turn: by multiples of 90 degrees.
        rotate: by up to 45 degrees.
        flip: from left to right.
        reverse: the order of the frames.
        shuffle: of the colour channels, half of the time.
        places: random places for the crop, of which the one where most changes from frame 0 to
            frame 1 is taken; 1 is FILM's way, more suit videos in which much stands still.
    """

    turn: bool = True
    rotate: bool = True
    flip: bool = True
    reverse: bool = True
    shuffle: bool = False
    places: int = 1


NO_AUGMENTATION = Augmentation(turn=False, rotate=False, flip=False, reverse=False)


def augmented(shot: Shot, size_px: int, how: Augmentation, rng: np.random.Generator) -> Shot:
    """A square part of a shot, changed at random.

    Args:
        shot: frames whose sides are at least `size_px`.
        size_px: side of the square.
        how: which changes are made.
        rng: decides everything; the same numbers are drawn whatever is made of them.

    Raises:
        UnsupportedMediaError: the frames are smaller than the square.
    """
    height, width = shot.frames[0].shape[:2]
    if min(height, width) < size_px:
        raise UnsupportedMediaError(
            f"{shot.origin} has {width}x{height} pixels, less than the crop of {size_px} a side.",
            hint="Leave it out, or train on smaller crops.",
        )
    quarters = int(rng.integers(4)) * how.turn
    angle = float(rng.uniform(-_MOST_TURN_DEG, _MOST_TURN_DEG) * (rng.random() < 0.5) * how.rotate)
    flip, swap, mix = (rng.random(3) < 0.5) & [how.flip, how.reverse, how.shuffle]
    permuted = rng.permutation(3)
    corners = rng.random((max(1, how.places), 2))
    frames = [np.rot90(frame, quarters)[:, :: -1 if flip else 1] for frame in shot.frames]
    room = np.array(frames[0].shape[1::-1]) - size_px + 1
    places = [(int(x), int(y)) for x, y in corners * room]
    place = _liveliest(frames, places, size_px)
    parts = [_part(frame, place, size_px, angle) for frame in frames]
    first, middle, last = (
        np.ascontiguousarray(part[..., permuted] if mix else part) for part in parts
    )
    if swap:
        return Shot((last, middle, first), 1 - shot.time, shot.origin)
    return Shot((first, middle, last), shot.time, shot.origin)


def _part(frame: Pixels, place: tuple[int, int], size: int, angle_deg: float) -> Pixels:
    """The square at (left, top) of the picture turned counter-clockwise about its centre."""
    left, top = place
    if not angle_deg:
        return frame[top : top + size, left : left + size]
    centre = ((frame.shape[1] - 1) / 2, (frame.shape[0] - 1) / 2)
    move = cv2.getRotationMatrix2D(centre, angle_deg, 1.0)
    move[:, 2] -= place
    part = cv2.warpAffine(np.ascontiguousarray(frame), move, (size, size), flags=cv2.INTER_LINEAR)
    return np.asarray(part, np.uint8)


def _liveliest(
    frames: Sequence[Pixels], places: Sequence[tuple[int, int]], size: int
) -> tuple[int, int]:
    """The place of the crop in which frames 0 and 1 differ most, before they are rotated."""
    if len(places) == 1:
        return places[0]

    def change(place: tuple[int, int]) -> float:
        first, last = (
            _part(frames[k], place, size, 0.0)[::_SPARSE, ::_SPARSE].astype(np.int16)
            for k in (0, 2)
        )
        return float(np.abs(first - last).mean())

    return max(places, key=change)
