"""Mixes the picture of a moment from the samples of several guesses of the motion.

Samples are taken at full size, a band of rows at a time, so that little is held beside the
pictures. A band is exactly the same as those rows of the whole.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from kinoloom.base.arrays import Picture
from kinoloom.film.synthesis.candidates import Guess
from kinoloom.film.synthesis.pixels import bands, premultiplied, straight
from kinoloom.motion.flow import Field, pixel_grid, sample


def mix(
    first: Picture,
    second: Picture,
    guesses: list[Guess],
    time: float,
    light: Field | None = None,
) -> Picture:
    """The picture of a moment.

    Args:
        first, second: (H, W, C).
        guesses: for that moment, each on a grid of any size.
        time: in the open interval (0, 1).
        light: (h, w, 3) on a grid of any size, added to the colours, where 1 is the whole
            brightness.

    Returns:
        (H, W, C) in the dtype of the pictures.
    """
    made = np.empty_like(first)
    for top, bottom in bands(*first.shape[:2]):
        rows = mixed_rows(first, second, guesses, time, top, bottom)
        if light is not None:
            _lighten(rows, light, first.shape[0], top)
        made[top:bottom] = straight(rows, like=first)
    return made


def mixed_rows(
    first: Picture, second: Picture, guesses: list[Guess], time: float, top: int, bottom: int
) -> NDArray[np.float32]:
    """Rows `top` to `bottom` (not included) of that picture.

    Returns:
        (bottom - top, W, C) in 0..1, colours multiplied by alpha where there is one.
    """
    height, width, channels = first.shape
    here = pixel_grid(bottom - top, width, top)
    rows = np.zeros((bottom - top, width, channels), np.float32)
    on_grid, shape = here, None
    for guess in guesses:
        if guess.motion.shape != shape:
            shape, ratio = guess.motion.shape, _ratio(guess.motion, height, width)
            on_grid = _on_grid(here, ratio)
        motion = cv2.transform(sample(guess.motion, on_grid), ratio)
        weights = cv2.split(sample(guess.weights, on_grid))
        for picture, passed, weight in ((first, -time, weights[0]), (second, 1 - time, weights[1])):
            if weight.any():
                taken = _taken(picture, here + np.float32(passed) * motion)
                share = cv2.merge([weight] * channels)
                cv2.add(rows, cv2.multiply(taken, share, dtype=cv2.CV_32F), dst=rows)
    return rows / _unit(first)


def _lighten(rows: NDArray[np.float32], light: Field, height: int, top: int) -> None:
    """Add light to mixed rows from `top` on, as far as they are opaque."""
    here = pixel_grid(rows.shape[0], rows.shape[1], top)
    added = sample(light, _on_grid(here, _ratio(light, height, rows.shape[1])))
    if rows.shape[2] == 4:
        added = added * rows[..., 3:]
    rows[..., :3] += added


def _ratio(field: Field, height: int, width: int) -> NDArray[np.float64]:
    """The matrix that takes steps on the grid of a field to steps in pixels."""
    return np.diag([width / field.shape[1], height / field.shape[0]])


def _on_grid(here: Field, ratio: NDArray[np.float64]) -> Field:
    """Where pixels lie on the grid."""
    moved = cv2.transform(here + np.float32(0.5), np.linalg.inv(ratio)) - np.float32(0.5)
    return np.asarray(moved, np.float32)


def _taken(picture: Picture, positions: Field) -> NDArray[np.float32]:
    """Samples of the picture: its own values, or premultiplied ones where it has alpha."""
    if picture.shape[2] == 3:
        return sample(picture, positions)
    last = len(picture) - 1
    top = int(np.clip(np.floor(positions[..., 1].min()), 0, last))
    bottom = int(np.clip(np.ceil(positions[..., 1].max()), 0, last)) + 1
    return sample(premultiplied(picture[top:bottom]), positions - np.array([0, top], np.float32))


def _unit(picture: Picture) -> np.float32:
    """The value that stands for 1 in samples of the picture."""
    whole = picture.shape[2] == 3 and picture.dtype.kind == "u"
    return np.float32(np.iinfo(picture.dtype).max if whole else 1)
