"""Decode an opened photo to an upright picture in sRGB."""

from __future__ import annotations

import numpy as np
from PIL import Image

from kinoloom.base.arrays import Picture
from kinoloom.media.photo import color as photo_color
from kinoloom.media.photo.metadata import rotate_upright
from kinoloom.media.photo.sources import Pixels, Source


def decode(source: Source) -> tuple[Picture, tuple[str, ...]]:
    """Decode a photo.

    Args:
        source: the opened file.

    Returns:
        (H, W, 3) RGB, or (H, W, 4) with straight alpha if it has transparent parts, upright, in
        sRGB, uint8 or uint16; and remarks about its colours, each a phrase.

    Raises:
        The decoder's own errors for a damaged file.
    """
    pixels = source.pixels()
    if isinstance(pixels, Image.Image):
        plain, remark = _convert_8_bits(pixels, source.icc)
        image = np.asarray(plain)
    else:
        image, remark = _convert_16_bits(_to_three_channels(pixels), source.icc)
    space = None if source.icc else photo_color.find_space(source.primaries)
    if space is not None:
        image = photo_color.to_srgb(image, space)
    image = rotate_upright(_drop_opaque_alpha(image), source.meta.orientation)
    return image, (remark,) if remark else ()


def _convert_8_bits(picture: Image.Image, icc: bytes) -> tuple[Image.Image, str]:
    """Return the picture as RGB or RGBA in sRGB, and a remark or ""."""
    if picture.mode not in ("RGB", "L", "LA", "RGBA", "CMYK"):
        has_alpha = picture.mode in ("PA", "RGBa", "La") or "transparency" in picture.info
        picture = picture.convert("RGBA" if has_alpha else "RGB")
    elif "transparency" in picture.info:
        picture = picture.convert("RGBA")
    remark = "it has no colour profile, so its CMYK colours are approximate"
    remark = remark if picture.mode == "CMYK" else ""
    if icc:
        try:
            return photo_color.to_srgb8(picture, icc), ""
        except ValueError as error:
            remark = f"its colour profile was ignored, because {error}"
    return picture.convert("RGBA" if picture.mode in ("LA", "RGBA") else "RGB"), remark


def _convert_16_bits(image: Picture, icc: bytes) -> tuple[Picture, str]:
    """Return the picture in sRGB, in 8 bits if only those can be converted, and a remark or ""."""
    if not icc:
        return image, ""
    try:
        space = photo_color.parse_icc(icc)
    except ValueError as error:
        return image, f"its colour profile was ignored, because {error}"
    if space is not None:
        return photo_color.to_srgb(image, space), ""
    coarse = np.rint(image / 257).astype(np.uint8)
    picture, remark = _convert_8_bits(Image.fromarray(coarse), icc)
    return np.asarray(picture), remark or "its colour profile can only be applied in 8 bits"


def _to_three_channels(pixels: Pixels) -> Picture:
    """Return grey samples (H, W) as (H, W, 3); others unchanged."""
    image = np.asarray(pixels)
    return image if image.ndim == 3 else np.repeat(image[..., None], 3, axis=2)


def _drop_opaque_alpha(image: Picture) -> Picture:
    opaque = image.shape[2] == 4 and image[..., 3].min() == np.iinfo(image.dtype).max
    return image[..., :3] if opaque else image
