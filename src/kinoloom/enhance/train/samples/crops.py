"""Random crops of photos, their augmentation and their conversion to planes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinoloom.base.arrays import Picture, to_float
from kinoloom.errors import UnsupportedMediaError
from kinoloom.metrics import to_luma

Floats = NDArray[np.float32]
Pixels = NDArray[np.uint8]
SYMMETRIES = 8
"""Rotations by quarters, each with and without a flip."""


def draw_corner(
    rng: np.random.Generator, image: NDArray[Any], side: int, name: str
) -> tuple[int, int]:
    """Draw the top and left corner of a square inside an image.

    Args:
        rng: decides.
        image: (H, W, C).
        side: of the square.
        name: of the image, for the message.

    Raises:
        UnsupportedMediaError: the image is smaller than the square.
    """
    height, width = image.shape[:2]
    if min(height, width) < side:
        raise UnsupportedMediaError(
            f"{name} has {width}x{height} pixels; training needs at least {side}x{side}.",
            hint="Remove it from the folder.",
        )
    return int(rng.integers(height - side + 1)), int(rng.integers(width - side + 1))


def apply_symmetry(image: NDArray[Any], symmetry: int) -> NDArray[Any]:
    """Rotate (H, W, C) by `symmetry` % 4 quarters; flip it first if `symmetry` is 4 or more."""
    flipped = image[:, ::-1] if symmetry >= SYMMETRIES // 2 else image
    return np.rot90(flipped, symmetry % 4)


def to_planes(picture: Picture, *, luma: bool) -> Floats:
    """Convert a picture to the input of a network.

    Returns:
        (3, H, W) RGB in 0..1, or (1, H, W) BT.601 luma in 16/255..235/255, float32.
    """
    if luma:
        return (to_luma(np.ascontiguousarray(picture))[None] / 255).astype(np.float32)
    return np.ascontiguousarray(to_float(picture).transpose(2, 0, 1))


def crop_to_multiple(photo: Pixels, scale: int) -> Pixels:
    """Return a photo without the rows and columns beyond a multiple of a factor."""
    height, width = (side // scale * scale for side in photo.shape[:2])
    return photo[:height, :width]


def stack_pairs(pairs: Iterable[tuple[Floats, Floats]]) -> dict[str, Floats]:
    """Return the batch of some samples: "low" (B, C, S, S) and "high" (B, C, scale S, scale S)."""
    low, high = zip(*pairs, strict=True)
    return {"low": np.stack(low), "high": np.stack(high)}
