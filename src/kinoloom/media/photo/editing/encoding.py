"""Encode pixels in the format of a photo, as its pixels were coded."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import Any

import cv2
import numpy as np
from PIL import Image

from kinoloom.base.arrays import Picture
from kinoloom.errors import UsageError
from kinoloom.media.photo.editing.blocks import Coding
from kinoloom.media.photo.editing.exif import Thumbnailer
from kinoloom.media.photo.editing.skeletons.png import encode_png
from kinoloom.media.photo.editing.skeletons.tiff import encode_tiff

SUFFIXES = {
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".jpe": "JPEG",
    ".png": "PNG",
    ".webp": "WebP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".avif": "AVIF",
}
"""The format of each suffix."""
_MOST_SIDE = {"JPEG": 65500, "WebP": 16383, "AVIF": 65536}
_DEEP = ("PNG", "TIFF")
_QUALITY = 90
_ZIGZAG = (
    *(0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5),
    *(12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21, 28),
    *(35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51),
    *(58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63),
)
"""The place of each coefficient, in the order of a JPEG file (ITU-T T.81, figure A.6)."""
_THUMBNAIL_QUALITIES = (85, 70, 50)
_MOST_THUMBNAIL_BYTES = 24_000


def choose_bits(kind: str, bits: int) -> int:
    """Return the bits per sample in which a format stores pictures of `bits`."""
    if bits <= 8 or kind not in (*_DEEP, "AVIF"):
        return 8
    return 16 if kind in _DEEP else (10 if bits <= 10 else 12)


def encode(kind: str, samples: Picture, coding: Coding, quality: int | None, icc: bytes) -> bytes:
    """Encode a picture.

    JPEG has the quantisation tables of `coding` unless `quality` is given, and its subsampling and
    kind of scans; WebP is lossless if `coding` is. Otherwise the quality is 90.

    Args:
        kind: a format in `SUFFIXES`.
        samples: (H, W, C) uint8, or uint16 of full range where the format stores more than 8 bits:
            grey, grey and alpha, RGB or RGBA for 1 to 4 channels.
        coding: how the source is coded.
        quality: 1 to 100; None for the default.
        icc: the colour profile, which AVIF files store with the pixels.

    Raises:
        UsageError: the picture is too large for the format.
    """
    height, width = samples.shape[:2]
    if max(height, width) > _MOST_SIDE.get(kind, 1 << 31):
        raise UsageError(
            f"A picture of {width}x{height} pixels is too large for {kind}: at most "
            f"{_MOST_SIDE[kind]} pixels a side.",
            hint="Choose an output with the suffix .png or .tif.",
        )
    encoders: dict[str, Callable[[], bytes]] = {
        "JPEG": lambda: _encode_jpeg(samples, _choose_jpeg_settings(samples, coding, quality)),
        "PNG": lambda: encode_png(samples),
        "WebP": lambda: _save(samples, "WebP", **_choose_webp_settings(coding, quality)),
        "TIFF": lambda: encode_tiff(samples, coding.order),
        "AVIF": lambda: _encode_avif(samples, coding, quality or _QUALITY, icc),
    }
    return encoders[kind]()


def make_thumbnailer(samples: Picture) -> Thumbnailer:
    """Return a function that encodes thumbnails of a picture, at most as large as it.

    Args:
        samples: (H, W, C) uint8 or uint16; alpha is ignored.
    """

    def thumbnail(side: int) -> bytes:
        color = samples[..., : 1 if samples.shape[2] < 3 else 3]
        scale = min(1.0, side / max(color.shape[:2]))
        height, width = (max(1, round(n * scale)) for n in color.shape[:2])
        small = cv2.resize(color, (width, height), interpolation=cv2.INTER_AREA)
        coarse = small if small.dtype == np.uint8 else (small // 257).astype(np.uint8)
        image = _to_pillow(coarse.reshape(height, width, -1))
        for quality in _THUMBNAIL_QUALITIES:
            buffer = io.BytesIO()
            image.save(buffer, "JPEG", quality=quality)
            if buffer.tell() <= _MOST_THUMBNAIL_BYTES:
                break
        return buffer.getvalue()

    return thumbnail


def _choose_jpeg_settings(samples: Picture, coding: Coding, quality: int | None) -> dict[str, Any]:
    channels = samples.shape[2]
    settings: dict[str, Any] = {"progressive": coding.progressive}
    if channels == 3:
        settings["subsampling"] = coding.subsampling or "4:4:4"
    if quality is None and len(coding.tables) == channels:
        has_two = coding.tables[1:2] == coding.tables[2:]  # Cb and Cr have the same
        stored = coding.tables[:2] if has_two else coding.tables
        tables = [_order_by_frequency(table) for table in stored]
        return settings | {"qtables": tables}
    return settings | {"quality": quality or _QUALITY}


def _order_by_frequency(table: Sequence[int]) -> list[int]:
    """Return a table in rows of frequencies, given its zigzag order."""
    ordered = [0] * 64
    for place, value in zip(_ZIGZAG, table, strict=True):
        ordered[place] = value
    return ordered


def _encode_jpeg(samples: Picture, settings: dict[str, Any]) -> bytes:
    """Encode in JPEG, with optimal tables unless the result exceeds Pillow's buffer for them."""
    try:
        return _save(samples, "JPEG", optimize=True, **settings)
    except OSError:  # noise at the best quality
        return _save(samples, "JPEG", **settings | {"progressive": False})


def _choose_webp_settings(coding: Coding, quality: int | None) -> dict[str, Any]:
    if coding.lossless and quality is None:
        return {"lossless": True, "exact": True}
    return {"quality": quality or _QUALITY, "method": 4}


def _save(samples: Picture, kind: str, **settings: Any) -> bytes:
    buffer = io.BytesIO()
    image = _to_pillow(samples)
    if kind == "WebP" and image.mode in ("L", "LA"):
        image = image.convert("RGB" if image.mode == "L" else "RGBA")
    image.save(buffer, kind, **settings)
    return buffer.getvalue()


def _to_pillow(samples: Picture) -> Image.Image:
    plain = samples[..., 0] if samples.shape[2] == 1 else samples
    return Image.fromarray(np.ascontiguousarray(plain))


def _encode_avif(samples: Picture, coding: Coding, quality: int, icc: bytes) -> bytes:
    if samples.dtype == np.uint8:
        subsampling = coding.subsampling or "4:4:4"
        if samples.shape[2] < 3:
            subsampling = "4:0:0" if samples.shape[2] == 1 else subsampling
        settings = {"icc_profile": icc} if icc else {}
        return _save(samples, "AVIF", quality=quality, subsampling=subsampling, **settings)
    top = (1 << coding.bits) - 1
    stored = np.rint(samples * (top / 65535.0)).astype(np.uint16)
    if stored.shape[2] < 3:
        stored = np.concatenate([stored[..., :1]] * 3 + [stored[..., 1:]], axis=2)
    order = [2, 1, 0, 3][: stored.shape[2]]
    options = [cv2.IMWRITE_AVIF_DEPTH, coding.bits, cv2.IMWRITE_AVIF_QUALITY, quality]
    picture = np.ascontiguousarray(stored[..., order])
    if not icc:
        return cv2.imencode(".avif", picture, options)[1].tobytes()
    profile = [np.frombuffer(icc, np.uint8)]
    kinds = [cv2.IMAGE_METADATA_ICCP]
    return cv2.imencodeWithMetadata(".avif", picture, kinds, profile, options)[1].tobytes()
