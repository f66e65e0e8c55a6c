"""From an opened photo file to a picture: decoded, in sRGB, upright."""

from __future__ import annotations

import numpy as np
from PIL import Image

from kinoloom.base.arrays import Picture
from kinoloom.media.photo import color as photo_colour
from kinoloom.media.photo.metadata import upright
from kinoloom.media.photo.sources import Pixels, Source


def decoded(source: Source) -> tuple[Picture, tuple[str, ...]]:
    """Decode a photo.

    Args:
        source: the opened file.

    Returns:
        (H, W, 3) RGB or, where anything shines through, (H, W, 4) with straight alpha, upright,
        in sRGB, uint8 or uint16; and what was odd about its colours, each a phrase.

    Raises:
        Whatever the decoder does for a damaged file.
    """
    pixels = source.pixels()
    if isinstance(pixels, Image.Image):
        plain, remark = _of_8_bits(pixels, source.icc)
        image = np.asarray(plain)
    else:
        image, remark = _of_16_bits(_with_colours(pixels), source.icc)
    space = None if source.icc else photo_colour.space_of_primaries(source.primaries)
    if space is not None:
        image = photo_colour.to_srgb(image, space)
    image = upright(_without_opaque_alpha(image), source.meta.orientation)
    return image, (remark,) if remark else ()


def _of_8_bits(picture: Image.Image, icc: bytes) -> tuple[Image.Image, str]:
    """The picture as RGB or RGBA in sRGB, and a remark or ""."""
    if picture.mode not in ("RGB", "L", "LA", "RGBA", "CMYK"):
        shines = picture.mode in ("PA", "RGBa", "La") or "transparency" in picture.info
        picture = picture.convert("RGBA" if shines else "RGB")
    elif "transparency" in picture.info:
        picture = picture.convert("RGBA")
    remark = "it has no colour profile, so its CMYK colours are approximate"
    remark = remark if picture.mode == "CMYK" else ""
    if icc:
        try:
            return photo_colour.to_srgb8(picture, icc), ""
        except ValueError as error:
            remark = f"its colour profile was ignored, because {error}"
    return picture.convert("RGBA" if picture.mode in ("LA", "RGBA") else "RGB"), remark


def _of_16_bits(image: Picture, icc: bytes) -> tuple[Picture, str]:
    """The picture in sRGB, in 8 bits where it must be, and a remark or ""."""
    if not icc:
        return image, ""
    try:
        space = photo_colour.space_of_icc(icc)
    except ValueError as error:
        return image, f"its colour profile was ignored, because {error}"
    if space is not None:
        return photo_colour.to_srgb(image, space), ""
    coarse = np.rint(image / 257).astype(np.uint8)
    picture, remark = _of_8_bits(Image.fromarray(coarse), icc)
    return np.asarray(picture), remark or "its colour profile can only be applied in 8 bits"


def _with_colours(pixels: Pixels) -> Picture:
    """Grey samples (H, W) as (H, W, 3)."""
    image = np.asarray(pixels)
    return image if image.ndim == 3 else np.repeat(image[..., None], 3, axis=2)


def _without_opaque_alpha(image: Picture) -> Picture:
    opaque = image.shape[2] == 4 and image[..., 3].min() == np.iinfo(image.dtype).max
    return image[..., :3] if opaque else image
