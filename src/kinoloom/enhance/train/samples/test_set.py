"""Pictures on which a training run reports its progress, without selecting weights by them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kinoloom.errors import InputNotFoundError, UnreadableMediaError
from kinoloom.learn.synthetic.textures import find_photos
from kinoloom.media.photo.reading import read_photo

Pixels = NDArray[np.uint8]
_HINT = "Expected HR/ with the ground truth, and LR_x2/ (or LR_x3/, LR_x4/) with its reductions."


def read_pairs(folder: Path, scale: int) -> list[tuple[Pixels, Pixels]]:
    """Read pairs of a reduced picture and its ground truth, in the order of their names.

    The ground truth is cropped at the bottom and the right to a multiple of the scale.

    Args:
        folder: contains HR/ and LR_x2/, LR_x3/ or LR_x4/.
        scale: of the reductions.

    Raises:
        InputNotFoundError: a folder is missing.
        UnreadableMediaError: the numbers or sizes of the pictures do not match.
    """
    low, high = read_pictures(folder / f"LR_x{scale}"), read_pictures(folder / "HR")
    if len(low) != len(high):
        raise UnreadableMediaError(
            f"{folder} has {len(high)} pictures in HR, but {len(low)} in LR_x{scale}.", hint=_HINT
        )
    cropped = []
    for reduced, truth in zip(low, high, strict=True):
        height, width = (side // scale for side in truth.shape[:2])
        if reduced.shape[:2] != (height, width):
            raise UnreadableMediaError(
                f"{folder} has a reduction of {reduced.shape[1]}x{reduced.shape[0]} pixels where "
                f"the ground truth has {truth.shape[1]}x{truth.shape[0]}; expected "
                f"{width}x{height}.",
                hint="Sorted names of HR and LR_x* must correspond.",
            )
        cropped.append((reduced, truth[: height * scale, : width * scale]))
    return cropped


def read_pictures(folder: Path) -> list[Pixels]:
    """Read all pictures of a folder as (H, W, 3) uint8, in the order of their names.

    Raises:
        InputNotFoundError: there are none.
        UnreadableMediaError: one does not have 8 bits.
    """
    files = find_photos(folder) if folder.is_dir() else []
    if not files:
        raise InputNotFoundError(f"{folder} contains no pictures.", hint=_HINT)
    pictures = []
    for file in files:
        image = read_photo(file).image[..., :3]
        if image.dtype != np.uint8:
            raise UnreadableMediaError(f"{file} has more than 8 bits.", hint="Convert it to 8.")
        pictures.append(image)
    return pictures
