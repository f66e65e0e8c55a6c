"""Pictures for a screen: 8 bits and sRGB."""

from __future__ import annotations

import numpy as np
from PIL import Image as PillowImage

from kinoloom.base.arrays import Picture as Image
from kinoloom.base.arrays import from_float, to_float
from kinoloom.media.photo.color import to_srgb8


def to_display(image: Image, icc: bytes) -> Image:
    """Return a picture as sRGB in 8 bits, (H, W, 3); a damaged profile is ignored.

    Args:
        image: (H, W, 3), see `base.arrays`.
        icc: its colour profile; b"" for sRGB.
    """
    plain = from_float(np.clip(to_float(image), 0, 1), np.dtype(np.uint8))
    if not icc:
        return plain
    try:
        return np.array(to_srgb8(PillowImage.fromarray(plain), icc))
    except ValueError:  # the writer keeps such a profile, and viewers ignore it, too
        return plain
