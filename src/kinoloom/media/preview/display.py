"""Pictures for a screen: scaled to a size, with square pixels, in 8 bits of sRGB.

HDR pictures (PQ, HLG) are mapped to SDR: light is scaled by reference white, light above a knee is
compressed exponentially, and BT.2020 colours outside BT.709 are clipped.

Sources: SMPTE ST 2084 (PQ); ITU-R BT.2100 table 5 (HLG, for 1,000 cd/m2); BT.2408 (reference white,
203 cd/m2); BT.2087 (BT.2020 to BT.709); IEC 61966-2-1 (sRGB).
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from kinoloom.base.arrays import Picture, from_float, to_float
from kinoloom.base.clip import Color

_PQ, _HLG = 16, 18
_REFERENCE_WHITE = 203.0
_PEAK = 1000.0
_KNEE = 0.7
"""Light below this part of reference white is not changed."""
_TO_BT709 = np.array(
    [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]],
    np.float32,
)
_LUMA = np.array([0.2627, 0.6780, 0.0593], np.float32)
_CODES = 1 << 16
_8_BITS = np.dtype(np.uint8)


def fit(picture: Picture, width: int, height: int, pixel_aspect: Fraction = Fraction(1)) -> Picture:
    """Scale a picture down to fit into a box, with square pixels; it is never enlarged.

    Args:
        picture: (H, W, C).
        width, height: of the box, in pixels; 0 for no limit.
        pixel_aspect: width of a pixel over its height.
    """
    rows, columns = picture.shape[:2]
    shown = max(1, round(columns * pixel_aspect))
    scale = min([1.0, *([width / shown] if width else []), *([height / rows] if height else [])])
    size = max(1, round(shown * scale)), max(1, round(rows * scale))
    if size == (columns, rows):
        return picture
    scaled = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(scaled)


def to_display(picture: Picture, color: Color) -> NDArray[np.uint8]:
    """Return a picture as a screen shows it, (H, W, 3 or 4) uint8.

    Args:
        picture: in `color`; see `base.arrays`.
        color: its colour space.
    """
    if color.transfer not in (_PQ, _HLG):
        return picture if picture.dtype == np.uint8 else from_float(to_float(picture), _8_BITS)
    codes = from_float(to_float(picture[..., :3]), np.dtype(np.uint16))
    light = _decode_hlg(codes) if color.transfer == _HLG else _table_of_pq()[codes]
    light = light / np.float32(_REFERENCE_WHITE)
    brightest = np.maximum(light.max(axis=2, keepdims=True), np.float32(1e-6))
    over = np.maximum(brightest - _KNEE, 0) / (1 - _KNEE)
    compressed = np.minimum(brightest, _KNEE) + (1 - _KNEE) * (1 - np.exp(-over))
    mapped = np.clip(light * (compressed / brightest) @ _TO_BT709.T, 0, 1)
    shown = np.where(mapped <= 0.0031308, 12.92 * mapped, 1.055 * mapped ** (1 / 2.4) - 0.055)
    return from_float(shown.astype(np.float32), _8_BITS)


@lru_cache(maxsize=1)
def _table_of_pq() -> NDArray[np.float32]:
    """Return the light of each 16-bit code, in cd/m2."""
    m1, m2 = 2610 / 16384, 2523 / 4096 * 128
    c1, c2, c3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32
    power = np.linspace(0, 1, _CODES) ** (1 / m2)
    light = 10_000 * (np.maximum(power - c1, 0) / (c2 - c3 * power)) ** (1 / m1)
    return light.astype(np.float32)


@lru_cache(maxsize=1)
def _table_of_hlg() -> NDArray[np.float32]:
    """Return the scene light of each 16-bit code, 0..1."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    code = np.linspace(0, 1, _CODES)
    scene = np.where(code <= 0.5, code**2 / 3, (np.exp((code - c) / a) + b) / 12)
    return scene.astype(np.float32)


def _decode_hlg(codes: NDArray[np.uint16]) -> NDArray[np.float32]:
    """Return the light on a display of 1,000 cd/m2, by its system gamma of 1.2."""
    scene = _table_of_hlg()[codes]
    luma = (scene @ _LUMA)[..., None]
    return np.asarray(_PEAK * luma**0.2 * scene, np.float32)
