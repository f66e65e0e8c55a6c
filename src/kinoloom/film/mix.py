"""Mixes the picture of a moment from the samples of several guesses of the motion.

Samples are taken at full size, a band of rows at a time, so that little is held beside the
pictures. A band is exactly the same as those rows of the whole.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kinoloom.base.arrays import Picture
from kinoloom.film.flow import Field, pixel_grid, sample
from kinoloom.film.pixels import bands, premultiplied, straight


def mix(first: Picture, second: Picture, guesses: list[Field], time: float) -> Picture:
    """The picture of a moment.

    Args:
        first, second: (H, W, C).
        guesses: of `guesses.guesses` for that moment, at the size of its grid.
        time: in the open interval (0, 1).

    Returns:
        (H, W, C) in the dtype of the pictures.
    """
    height, width = first.shape[:2]
    made = np.empty_like(first)
    for top, bottom in bands(height, width):
        rows = mixed_rows(first, second, guesses, time, top, bottom)
        made[top:bottom] = straight(rows, like=first)
    return made


def mixed_rows(
    first: Picture, second: Picture, guesses: list[Field], time: float, top: int, bottom: int
) -> NDArray[np.float32]:
    """Rows `top` to `bottom` (not included) of that picture.

    Returns:
        (bottom - top, W, C) in 0..1, colours multiplied by alpha where there is one.
    """
    height, width, channels = first.shape
    ratio = np.array([width / guesses[0].shape[1], height / guesses[0].shape[0]], np.float32)
    here = pixel_grid(bottom - top, width, top)
    on_grid = (here + np.float32(0.5)) / ratio - np.float32(0.5)
    rows = np.zeros((bottom - top, width, channels), np.float32)
    for guess in guesses:
        at = sample(guess, on_grid)
        motion = at[..., :2] * ratio
        rows += at[..., 2:3] * _taken(first, here - np.float32(time) * motion)
        rows += at[..., 3:4] * _taken(second, here + np.float32(1 - time) * motion)
    return rows / _unit(first)


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
