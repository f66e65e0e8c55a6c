"""Pictures out: encoded as PNG, JPEG or WebP, and written as files."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import cv2
import numpy as np

from kinoloom.base.arrays import Picture, check_picture, from_float, to_float
from kinoloom.base.outputs import whole_file
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
"""Half the time of the default settings, and on photos no larger."""
_QUALITY = 90


def encode_picture(
    image: Picture, media_type: MediaType = "image/png", *, quality: int = _QUALITY
) -> bytes:
    """Encode a picture.

    PNG keeps 8 and 16 bits exactly, and float32 as 16 bits; it is packed for speed rather than
    size. JPEG and WebP hold 8 bits; JPEG has no alpha: the picture is laid on black.

    Args:
        image: (H, W, 3) or (H, W, 4), see `base.arrays`.
        media_type: the format.
        quality: of JPEG and WebP, 1 to 100.

    Raises:
        ArrayError: not a picture.
        UsageError: another format, or a picture larger than the format allows.
    """
    check_picture(image)
    options = {
        "image/png": (".png", _PNG),
        "image/jpeg": (".jpg", [cv2.IMWRITE_JPEG_QUALITY, quality]),
        "image/webp": (".webp", [cv2.IMWRITE_WEBP_QUALITY, quality]),
    }
    if media_type not in options:
        raise UsageError(
            f"A picture cannot be encoded as '{media_type}'.", hint=f"Use {', '.join(options)}."
        )
    suffix, settings = options[media_type]
    try:
        done, data = cv2.imencode(suffix, _as_stored(image, media_type), settings)
    except cv2.error:
        done = False
    if not done:
        raise UsageError(
            f"A picture of {image.shape[1]}x{image.shape[0]} pixels is too large for {media_type}.",
            hint="Use image/png.",
        )
    return data.tobytes()


def write_photo(path: Path, image: Picture) -> None:
    """Write a picture as PNG, JPEG or WebP, by the suffix of `path`, whole or not at all.

    What is at `path` already is replaced.

    Args:
        path: the file.
        image: see `encode_picture`.

    Raises:
        ArrayError: not a picture.
        UsageError: another suffix.
        OutputError: the file cannot be written.
    """
    media_type = _TYPES.get(path.suffix.lower())
    if media_type is None:
        raise UsageError(
            f"A picture cannot be written as '{path.suffix}'.", hint=f"Use {', '.join(_TYPES)}."
        )
    data = encode_picture(image, media_type)
    with whole_file(path, overwrite=True) as temporary:
        temporary.write_bytes(data)


def _as_stored(image: Picture, media_type: MediaType) -> Picture:
    """The picture in the depth and channel order that OpenCV's encoder of the format takes."""
    if media_type == "image/png":
        if image.dtype == np.float32:
            image = from_float(image, np.dtype(np.uint16))
    else:
        if image.shape[2] == 4 and media_type == "image/jpeg":
            values = to_float(image)
            image = values[..., :3] * values[..., 3:]
        image = from_float(to_float(image), np.dtype(np.uint8))
    return np.ascontiguousarray(image[..., [2, 1, 0, 3][: image.shape[2]]])
