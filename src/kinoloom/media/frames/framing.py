"""Common frame size, crop and pixel format for photos of different sizes and formats."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np

from kinoloom.base.arrays import Picture, check_picture, from_float, to_float
from kinoloom.errors import UsageError


def common_size(sizes: Sequence[tuple[int, int]], limit_px: int | None = None) -> tuple[int, int]:
    """Return the largest frame size that enlarges no photo.

    The aspect ratio is that of the first photo. Photos of one size within the limit keep it.
    Otherwise both sides are rounded down to even numbers, as most codecs require, unless they
    are 1.

    Args:
        sizes: (width, height) of each photo, at least one.
        limit_px: maximum of the longest side, at least 2; None for no limit.

    Returns:
        (width, height) in pixels.

    Raises:
        UsageError: no sizes, a side below 1, or a limit below 2.
    """
    if not sizes or any(side < 1 for size in sizes for side in size):
        raise UsageError(f"Photos must be at least 1x1 pixels, not {list(sizes)}.")
    if limit_px is not None and limit_px < 2:
        raise UsageError(f"The longest side of a frame must be at least 2 pixels, not {limit_px}.")
    width, height = sizes[0]
    scale = min(min(w / width, h / height) for w, h in sizes)
    if limit_px is not None:
        scale = min(scale, limit_px / max(width, height))
    if scale == 1 and len(set(sizes)) == 1:
        return width, height
    return _even(width * scale), _even(height * scale)


def fit(image: Picture, width: int, height: int) -> Picture:
    """Crop a picture around its centre to the frame's aspect ratio and resample it.

    Shrinking uses area averaging, enlarging a Lanczos window. A picture that is at most one pixel
    larger than the frame is cropped only.

    Args:
        image: (H, W, C), see `base.arrays`.
        width, height: of the frame, in pixels, at least 1.

    Returns:
        (height, width, C) in the dtype of the image.

    Raises:
        ArrayError: not a picture.
        UsageError: a frame smaller than 1x1 pixels.
    """
    check_picture(image)
    if width < 1 or height < 1:
        raise UsageError(f"A frame must be at least 1x1 pixels, not {width}x{height}.")
    high, wide = image.shape[:2]
    crop_w = max(1, min(wide, round(high * width / height)))
    crop_h = max(1, min(high, round(wide * height / width)))
    if 0 <= wide - width <= 1 and 0 <= high - height <= 1:
        crop_w, crop_h = width, height
    top, left = (high - crop_h) // 2, (wide - crop_w) // 2
    cropped = np.ascontiguousarray(image[top : top + crop_h, left : left + crop_w])
    if (crop_w, crop_h) == (width, height):
        return cropped
    return _resampled(cropped, width, height)


def convert(image: Picture, channels: int, dtype: np.dtype[Any]) -> Picture:
    """Convert a picture to another dtype, and add or remove alpha.

    Args:
        image: (H, W, C), see `base.arrays`.
        channels: 3 composites the picture onto black; 4 adds an opaque alpha channel.
        dtype: uint8, uint16 or float32.

    Raises:
        ArrayError: not a picture.
        UsageError: another number of channels.
    """
    check_picture(image)
    if channels not in (3, 4):
        raise UsageError(f"A picture must have 3 or 4 channels, not {channels}.")
    if image.shape[2] == channels and image.dtype == dtype:
        return image
    values = to_float(image)
    if values.shape[2] > channels:
        values = values[..., :3] * values[..., 3:]
    elif values.shape[2] < channels:
        values = np.concatenate([values, np.ones_like(values[..., :1])], axis=2)
    return from_float(values, np.dtype(dtype))


def _even(length: float) -> int:
    whole = int(length + 1e-6)  # an integral product may be rounded down
    return max(1, whole - whole % 2 if whole > 1 else whole)


def _resampled(image: Picture, width: int, height: int) -> Picture:
    """Resample an image; colours are weighted by alpha, so that transparent ones do not bleed."""
    shrinks = width <= image.shape[1] and height <= image.shape[0]
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LANCZOS4
    if image.shape[2] == 3:
        resized = cv2.resize(image, (width, height), interpolation=how)
        return np.clip(resized, 0, 1) if image.dtype == np.float32 else resized
    values = to_float(image)
    weighed = np.concatenate([values[..., :3] * values[..., 3:], values[..., 3:]], axis=2)
    resized = cv2.resize(weighed, (width, height), interpolation=how)
    alpha = np.clip(resized[..., 3:], 0, 1)
    color = resized[..., :3] / np.maximum(alpha, 1e-6)
    return from_float(np.concatenate([color, alpha], axis=2), image.dtype)
