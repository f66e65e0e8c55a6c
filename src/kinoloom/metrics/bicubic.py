"""Bicubic resizing that equals MATLAB's imresize, the degradation of the super-resolution sets.

Conventions: pixel centres are at half-integers, so both pictures cover the same rectangle; the
kernel has a = -0.5 and is widened by 1/scale for reductions (antialiasing); the edge pixels
continue beyond the borders; rows are resized first, and integer pictures are rounded after each
axis. With these, the low-resolution pictures of Set5 (SelfExSR) are reproduced exactly. Newer
versions of MATLAB reflect at the borders instead, which changes only the outermost pixels.

Source: Keys, "Cubic convolution interpolation for digital image processing", IEEE TASSP 29(6),
1981, for the kernel; MATLAB's documentation of imresize for the conventions.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kinoloom.errors import ArrayError, UsageError

_REACH = 2.0
"""The kernel is zero beyond this distance from its centre."""
_DTYPES = ("uint8", "uint16", "float32", "float64")


def resize_bicubic(image: NDArray[Any], scale: Fraction | float) -> NDArray[Any]:
    """Resize a picture or a plane as MATLAB's imresize(image, scale, "bicubic").

    Args:
        image: (H, W) or (H, W, C) uint8, uint16, float32 or float64.
        scale: positive factor of both sides; a Fraction such as `Fraction(1, 3)` is exact.

    Returns:
        (ceil(H scale), ceil(W scale)[, C]) in the dtype of `image`. Integers are rounded to the
        nearest value and clipped to their range. Floats are not clipped and overshoot at edges.

    Raises:
        ArrayError: not such an array, or an axis of length 0.
        UsageError: the scale is not positive and finite.
    """
    if not isinstance(image, np.ndarray) or image.ndim not in (2, 3) or 0 in image.shape:
        shape = getattr(image, "shape", type(image).__name__)
        raise ArrayError(f"The image has shape {shape}; expected (H, W) or (H, W, C).")
    if image.dtype.name not in _DTYPES:
        raise ArrayError(f"The image has dtype {image.dtype}; expected {', '.join(_DTYPES)}.")
    if not 0 < scale < math.inf:
        raise UsageError(f"The scale is {scale}; expected a positive number.")
    result = image.astype(np.float64)
    for axis in (0, 1):
        result = _resize_axis(result, axis, scale)
        if image.dtype.kind == "u":
            result = np.floor(np.clip(result, 0, np.iinfo(image.dtype).max) + 0.5)
    return result.astype(image.dtype)


def _resize_axis(
    image: NDArray[np.float64], axis: int, scale: Fraction | float
) -> NDArray[np.float64]:
    length = math.ceil(image.shape[axis] * scale)
    indices, weights = _contributions(image.shape[axis], length, float(scale))
    shape = [1] * image.ndim
    shape[axis] = length
    result = np.zeros(())
    for tap in range(indices.shape[1]):
        result = result + image.take(indices[:, tap], axis) * weights[:, tap].reshape(shape)
    return result


def _contributions(
    length_in: int, length_out: int, scale: float
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Return the input pixels and weights of each output pixel, both (length_out, taps)."""
    shrink = min(scale, 1.0)
    reach = _REACH / shrink
    centres = (np.arange(length_out) + 0.5) / scale - 0.5
    taps = math.ceil(2 * reach) + 2
    pixels = np.floor(centres - reach).astype(np.intp)[:, None] + np.arange(taps)
    weights = _kernel((centres[:, None] - pixels) * shrink)
    weights /= weights.sum(axis=1, keepdims=True)
    used = np.any(weights != 0, axis=0)
    return np.clip(pixels[:, used], 0, length_in - 1), weights[:, used]


def _kernel(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return Keys' cubic convolution kernel with a = -0.5."""
    near = np.abs(x)
    inner = (1.5 * near - 2.5) * near * near + 1
    outer = ((-0.5 * near + 2.5) * near - 4) * near + 2
    return np.where(near <= 1, inner, np.where(near <= _REACH, outer, 0.0))
