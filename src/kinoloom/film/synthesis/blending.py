"""Blending: a frame as the weighted sum of the samples of its motion candidates.

Samples are taken at full size, one band of rows at a time, to bound the memory. A band is
bit-identical to those rows of the whole frame.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from kinoloom.base.arrays import Picture
from kinoloom.film.synthesis.candidates import Candidate
from kinoloom.film.synthesis.pixels import premultiply_alpha, split_bands, unpremultiply_alpha
from kinoloom.motion.flow import Field, pixel_grid, sample


def blend_candidates(
    first: Picture, second: Picture, candidates: list[Candidate], time: float
) -> Picture:
    """Blend the frame at a time.

    Args:
        first, second: (H, W, C).
        candidates: for that time, each on a grid of any size.
        time: in the open interval (0, 1).

    Returns:
        (H, W, C) in the dtype of the images.
    """
    frame = np.empty_like(first)
    for top, bottom in split_bands(*first.shape[:2]):
        rows = blend_rows(first, second, candidates, time, top, bottom)
        frame[top:bottom] = unpremultiply_alpha(rows, like=first)
    return frame


def blend_rows(
    first: Picture,
    second: Picture,
    candidates: list[Candidate],
    time: float,
    top: int,
    bottom: int,
) -> NDArray[np.float32]:
    """Blend rows `top` to `bottom` (exclusive) of that frame.

    Returns:
        (bottom - top, W, C) in 0..1, colours premultiplied by alpha if there is one.
    """
    height, width, channels = first.shape
    here = pixel_grid(bottom - top, width, top)
    rows = np.zeros((bottom - top, width, channels), np.float32)
    on_grid, shape = here, None
    for candidate in candidates:
        if candidate.motion.shape != shape:
            shape, scale = candidate.motion.shape, _grid_scale(candidate.motion, height, width)
            on_grid = _to_grid(here, scale)
        motion = cv2.transform(sample(candidate.motion, on_grid), scale)
        weights = cv2.split(sample(candidate.weights, on_grid))
        for image, elapsed, weight in ((first, -time, weights[0]), (second, 1 - time, weights[1])):
            if weight.any():
                samples = _sample_image(image, here + np.float32(elapsed) * motion)
                planes = cv2.merge([weight] * channels)
                cv2.add(rows, cv2.multiply(samples, planes, dtype=cv2.CV_32F), dst=rows)
    return rows / _full_scale(first)


def _grid_scale(field: Field, height: int, width: int) -> NDArray[np.float64]:
    """Return the (2, 2) matrix from grid units of a field to pixels."""
    return np.diag([width / field.shape[1], height / field.shape[0]])


def _to_grid(here: Field, scale: NDArray[np.float64]) -> Field:
    """Return the grid positions of pixel positions."""
    moved = cv2.transform(here + np.float32(0.5), np.linalg.inv(scale)) - np.float32(0.5)
    return np.asarray(moved, np.float32)


def _sample_image(image: Picture, positions: Field) -> NDArray[np.float32]:
    """Sample an image: its own values, or premultiplied ones if it has alpha."""
    if image.shape[2] == 3:
        return sample(image, positions)
    last = len(image) - 1
    top = int(np.clip(np.floor(positions[..., 1].min()), 0, last))
    bottom = int(np.clip(np.ceil(positions[..., 1].max()), 0, last)) + 1
    return sample(premultiply_alpha(image[top:bottom]), positions - np.array([0, top], np.float32))


def _full_scale(image: Picture) -> np.float32:
    """Return the sample value that represents 1."""
    is_integer = image.shape[2] == 3 and image.dtype.kind == "u"
    return np.float32(np.iinfo(image.dtype).max if is_integer else 1)
