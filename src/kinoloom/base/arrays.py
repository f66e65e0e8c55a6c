"""Pictures as arrays: the accepted shapes and dtypes, and conversion between dtypes.

A picture is `(H, W, 3)` RGB or `(H, W, 4)` RGB with straight alpha, in the colour space of its
source (gamma-encoded), as uint8, uint16 (full range) or float32 in 0..1.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinoloom.errors import ArrayError

Picture = NDArray[Any]
_TOP = {"uint8": 255.0, "uint16": 65535.0, "float32": 1.0}


def check_picture(image: object, what: str = "picture") -> Picture:
    """Return `image` if it is a picture.

    Args:
        image: the object to check.
        what: its name in the error message.

    Raises:
        ArrayError: not an array; not (H, W, 3) or (H, W, 4); not uint8, uint16 or float32 in
            the byte order of this machine; an axis of length 0; NaN or infinite values; float
            values outside 0..1.
    """
    if not isinstance(image, np.ndarray):
        raise ArrayError(
            f"The {what} is a {type(image).__name__}; expected a numpy array.",
            hint="Pass an array of shape (height, width, 3).",
        )
    if image.ndim != 3 or image.shape[2] not in (3, 4) or 0 in image.shape:
        raise ArrayError(
            f"The {what} has shape {image.shape}; expected (height, width, 3) or "
            "(height, width, 4), each at least 1.",
        )
    if image.dtype.name not in _TOP or not image.dtype.isnative:
        raise ArrayError(
            f"The {what} has dtype {image.dtype}; expected uint8, uint16 or float32.",
            hint="Convert it first, for example with image.astype(np.float32) / 255.",
        )
    if image.dtype == np.float32:
        low, high = float(image.min()), float(image.max())
        if not (low >= 0.0 and high <= 1.0):  # also False for NaN
            raise ArrayError(
                f"The {what} has values from {low:g} to {high:g}; expected 0..1 for float32."
                if np.isfinite(low) and np.isfinite(high)
                else f"The {what} has NaN or infinite values.",
            )
    return image


def to_float(image: Picture) -> NDArray[np.float32]:
    """Convert a picture to float32 in 0..1; a float32 picture is returned unchanged."""
    if image.dtype == np.float32:
        return image
    return image.astype(np.float32) * np.float32(1.0 / _TOP[image.dtype.name])


def from_float(image: NDArray[np.float32], dtype: np.dtype[Any]) -> Picture:
    """Convert a float32 picture to `dtype`: clip to 0..1, round to the nearest value."""
    clipped = np.clip(image, 0.0, 1.0)
    if dtype == np.float32:
        return clipped
    return np.asarray(np.rint(clipped * np.float32(_TOP[dtype.name])), dtype)
