"""Convert the colours of photos to sRGB.

Photos of 8 bits are converted by LittleCMS with relative colorimetric intent and black point
compensation. Pillow does not support 16 bits there, so these are converted here if the profile
consists of three curves and a matrix, as nearly all RGB and grey profiles do.

Sources: ICC.1:2022 (profile structure, sections 7 and 10; white point D50); IEC 61966-2-1 (sRGB);
ITU-T H.273 (code points of primaries).
"""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from kinoloom.base.arrays import Picture

Matrix = NDArray[np.float64]
Curve = NDArray[np.float64]

_SRGB_TO_D50 = np.array(
    [
        [0.43606567, 0.38514709, 0.14306641],
        [0.22248840, 0.71687317, 0.06060791],
        [0.01391602, 0.09707642, 0.71409607],
    ]
)
"""Columns: red, green and blue of sRGB in XYZ relative to D50, as in sRGB profiles."""
_D65 = (0.3127, 0.3290)
_PRIMARIES = {
    1: ((0.640, 0.330), (0.300, 0.600), (0.150, 0.060)),
    9: ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046)),
    12: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),
}
_MAX_ROUNDING = 1.5 / 255
"""A smaller difference from sRGB is ignored, so that no pixel changes by rounding."""
_STRIP_ROWS = 64
_MODES = {"RGB ": "RGB", "GRAY": "L", "CMYK": "CMYK"}
_PARAMETERS = {0: 1, 1: 3, 2: 4, 3: 5, 4: 7}


@dataclass(frozen=True)
class ColorSpace:
    """A colour space defined by three curves and a matrix.

    Attributes:
        curves: (3, 65536) float64: linear light in 0..1 of each coded value.
        matrix: (3, 3) from its linear light to that of sRGB.
    """

    curves: NDArray[np.float64]
    matrix: Matrix

    @property
    def is_srgb(self) -> bool:
        """Whether it differs from sRGB only by rounding."""
        steps = np.linspace(0, 65535, 9).astype(np.uint16)
        lattice = np.stack(np.meshgrid(steps, steps, steps), -1).reshape(-1, 27, 3)
        apart = np.abs(_convert(lattice, self) / 65535 - lattice / 65535)
        return bool(apart.max() < _MAX_ROUNDING)


def find_space(code: int) -> ColorSpace | None:
    """Return the space of H.273 primaries with the curve of sRGB; None if sRGB or unknown."""
    if code not in _PRIMARIES or code == 1:
        return None
    matrix = np.linalg.inv(_rgb_to_xyz(_PRIMARIES[1])) @ _rgb_to_xyz(_PRIMARIES[code])
    return ColorSpace(np.tile(_linearize_srgb(np.linspace(0, 1, 65536)), (3, 1)), matrix)


def parse_icc(icc: bytes) -> ColorSpace | None:
    """Return the space of an RGB or grey profile; None if the profile uses lookup tables.

    Raises:
        ValueError: the profile is damaged, or for another kind of picture.
    """
    try:
        tags = _read_icc_tags(icc)
        if icc[16:20] == b"GRAY" and b"kTRC" in tags:
            return ColorSpace(np.tile(_read_curve(tags[b"kTRC"]), (3, 1)), np.eye(3))
        if icc[16:20] != b"RGB ":
            raise ValueError(f"it is for {icc[16:20].decode('latin-1').strip()} pictures")
        names = [b"rXYZ", b"gXYZ", b"bXYZ", b"rTRC", b"gTRC", b"bTRC"]
        if b"A2B0" in tags or not all(name in tags for name in names):
            return None
        columns = [struct.unpack_from(">3i", tags[name], 8) for name in names[:3]]
        matrix = np.linalg.inv(_SRGB_TO_D50) @ (np.array(columns, float).T / 65536)
        return ColorSpace(np.stack([_read_curve(tags[name]) for name in names[3:]]), matrix)
    except (struct.error, IndexError, KeyError) as error:
        raise ValueError("it is damaged") from error


def to_srgb(image: Picture, space: ColorSpace) -> Picture:
    """Convert a picture to sRGB; alpha does not change.

    Args:
        image: (H, W, 3) or (H, W, 4) uint8 or uint16.
        space: its colour space.
    """
    if space.is_srgb:
        return image
    result = image.copy()
    result[..., :3] = _convert(np.ascontiguousarray(image[..., :3]), space)
    return result


def to_srgb8(image: Image.Image, icc: bytes) -> Image.Image:
    """Convert an 8-bit picture to sRGB with any ICC profile, as mode RGB or RGBA.

    Args:
        image: of mode RGB, RGBA, L, LA or CMYK.
        icc: the profile.

    Raises:
        ValueError: the profile is damaged, or for another kind of picture.
    """
    alpha = image.getchannel("A") if image.mode in ("RGBA", "LA") else None
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(icc))
        space = profile.profile.xcolor_space
        mode = _MODES.get(space, "")
        if not mode or (mode == "CMYK") != (image.mode == "CMYK"):
            raise ValueError(f"it is for {space.strip()} pictures")
        transform = ImageCms.buildTransform(
            profile,
            ImageCms.createProfile("sRGB"),
            mode,
            "RGB",
            ImageCms.Intent.RELATIVE_COLORIMETRIC,
            ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
        plain = image.convert(mode)
        result = plain.convert("RGB")
        if not _is_near_identity(transform, mode):
            result = _transform(plain, transform)
    except (ImageCms.PyCMSError, OSError) as error:
        raise ValueError("it is damaged") from error
    if alpha is not None:
        result.putalpha(alpha)
    return result


def _transform(image: Image.Image, transform: ImageCms.ImageCmsTransform) -> Image.Image:
    result = ImageCms.applyTransform(image, transform)
    return image if result is None else result  # None only if it works in place


def _is_near_identity(transform: ImageCms.ImageCmsTransform, mode: str) -> bool:
    """Whether the transform changes pictures of this mode only by rounding."""
    if mode == "CMYK":
        return False
    steps = np.linspace(0, 255, 9).astype(np.uint8)
    lattice = np.stack(np.meshgrid(steps, steps, steps), -1).reshape(-1, 27, 3)
    plain = Image.fromarray(lattice if mode == "RGB" else lattice[..., 0])
    moved = np.asarray(_transform(plain, transform), float)
    return bool(np.abs(moved - np.asarray(plain.convert("RGB"), float)).max() < 255 * _MAX_ROUNDING)


def _convert(colors: Picture, space: ColorSpace) -> Picture:
    """Convert colours (H, W, 3) of the space to sRGB, in strips that fit the cache."""
    top = np.iinfo(colors.dtype).max
    curves = space.curves[:, :: 65535 // top].astype(np.float32)
    matrix = space.matrix.astype(np.float32)
    result = np.empty_like(colors)
    for row in range(0, len(colors), _STRIP_ROWS):
        strip = colors[row : row + _STRIP_ROWS]
        light = np.stack([curves[i][strip[..., i]] for i in range(3)], axis=-1)
        light = np.clip(cv2.transform(light, matrix), 0, 1)
        low = light * np.float32(12.92)
        high = cv2.pow(light, 1 / 2.4) * np.float32(1.055) - np.float32(0.055)
        coded = np.where(light <= np.float32(0.0031308), low, high)
        result[row : row + _STRIP_ROWS] = np.rint(coded * np.float32(top))
    return result


def _linearize_srgb(coded: Curve) -> Curve:
    return np.where(coded <= 0.04045, coded / 12.92, ((coded + 0.055) / 1.055) ** 2.4)


def _rgb_to_xyz(primaries: tuple[tuple[float, float], ...]) -> Matrix:
    """Return the matrix from linear light of these primaries and white D65 to XYZ."""
    columns = np.array([(x / y, 1.0, (1 - x - y) / y) for x, y in (*primaries, _D65)]).T
    return np.asarray(columns[:, :3] * np.linalg.solve(columns[:, :3], columns[:, 3]))


def _read_icc_tags(icc: bytes) -> dict[bytes, bytes]:
    if icc[36:40] != b"acsp":
        raise ValueError("it is damaged")
    (count,) = struct.unpack_from(">I", icc, 128)
    entries = (struct.unpack_from(">4sII", icc, 132 + 12 * i) for i in range(min(count, 1000)))
    return {name: icc[start : start + size] for name, start, size in entries}


def _read_curve(tag: bytes) -> Curve:
    """Return the linear light of 65536 coded values from a "curv" or "para" tag."""
    x = np.linspace(0, 1, 65536)
    if tag[:4] == b"curv":
        (count,) = struct.unpack_from(">I", tag, 8)
        if count == 0:
            return x
        points = np.array(struct.unpack_from(f">{count}H", tag, 12), float)
        if count == 1:
            return np.asarray(x ** (points[0] / 256))
        return np.interp(x, np.linspace(0, 1, count), points / 65535)
    if tag[:4] != b"para":
        raise ValueError("it is damaged")
    (kind,) = struct.unpack_from(">H", tag, 8)
    return _evaluate_parametric(x, kind, struct.unpack_from(f">{_PARAMETERS[kind]}i", tag, 12))


def _evaluate_parametric(x: Curve, kind: int, numbers: tuple[int, ...]) -> Curve:
    """Evaluate ICC.1:2022 table 68: a power of a line, and another line below a threshold."""
    g, *rest = (number / 65536 for number in numbers)
    if kind == 0:
        return np.asarray(x**g)
    a, b, *below = rest
    if kind <= 2:
        offset = below[0] if below else 0.0
        c, d, e, f = 0.0, -b / a, offset, offset
    else:
        c, d, e, f = (*below, 0.0, 0.0)[:4]
    upper = np.maximum(a * x + b, 0) ** g + e
    return np.clip(np.where(x >= d, upper, c * x + f), 0, 1)
