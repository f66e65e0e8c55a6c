"""Encode pictures as PNG, JPEG or WebP, and write them to files."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import cv2
import numpy as np

from kinoloom.base.arrays import Picture, check_picture, from_float, to_float
from kinoloom.base.outputs import atomic_output
from kinoloom.errors import UsageError

MediaType = Literal["image/png", "image/jpeg", "image/webp"]

_TYPES: dict[str, MediaType] = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".webp": "image/webp",
}
_PNG = [
    cv2.IMWRITE_PNG_COMPRESSION,
    1,
    cv2.IMWRITE_PNG_STRATEGY,
    cv2.IMWRITE_PNG_STRATEGY_RLE,
]
"""Twice as fast as the default settings; photos are no larger."""
_QUALITY = 90


def encode_picture(
    image: Picture, media_type: MediaType = "image/png", *, quality: int = _QUALITY
) -> bytes:
    """Encode a picture.

    PNG stores 8 and 16 bits exactly, and float32 as 16 bits; it is compressed for speed rather
    than size. JPEG and WebP store 8 bits; JPEG has no alpha, so the picture is composited on black.

    Args:
        image: (H, W, 3) or (H, W, 4), see `base.arrays`.
        media_type: the format.
        quality: for JPEG and WebP, 1 to 100.

    Raises:
        ArrayError: not a picture.
        UsageError: an unknown format, or a picture too large for the format.
    """
    check_picture(image)
    options = {
        "image/png": (".png", _PNG),
        "image/jpeg": (".jpg", [cv2.IMWRITE_JPEG_QUALITY, quality]),
        "image/webp": (".webp", [cv2.IMWRITE_WEBP_QUALITY, quality]),
    }
    if media_type not in options:
        raise UsageError(f"Unknown picture format '{media_type}': expected {', '.join(options)}.")
    suffix, settings = options[media_type]
    try:
        done, data = cv2.imencode(suffix, _to_encoder_input(image, media_type), settings)
    except cv2.error:
        done = False
    if not done:
        raise UsageError(
            f"A picture of {image.shape[1]}x{image.shape[0]} pixels is too large for {media_type}.",
            hint="Use image/png.",
        )
    return data.tobytes()


def write_photo(path: Path, image: Picture) -> None:
    """Write a picture as PNG, JPEG or WebP, by the suffix of `path`, completely or not at all.

    An existing file is replaced.

    Args:
        path: the file.
        image: see `encode_picture`.

    Raises:
        ArrayError: not a picture.
        UsageError: an unknown suffix.
        OutputError: the file cannot be written.
    """
    media_type = _TYPES.get(path.suffix.lower())
    if media_type is None:
        raise UsageError(f"Unknown picture suffix '{path.suffix}': expected {', '.join(_TYPES)}.")
    data = encode_picture(image, media_type)
    with atomic_output(path, overwrite=True) as temporary:
        temporary.write_bytes(data)


def _to_encoder_input(image: Picture, media_type: MediaType) -> Picture:
    """Return the picture in the depth and channel order that OpenCV's encoder requires."""
    if media_type == "image/png":
        if image.dtype == np.float32:
            image = from_float(image, np.dtype(np.uint16))
    else:
        if image.shape[2] == 4 and media_type == "image/jpeg":
            values = to_float(image)
            image = values[..., :3] * values[..., 3:]
        if image.dtype != np.uint8:
            image = from_float(to_float(image), np.dtype(np.uint8))
    swap = cv2.COLOR_RGB2BGR if image.shape[2] == 3 else cv2.COLOR_RGBA2BGRA
    return np.asarray(cv2.cvtColor(image, swap))
