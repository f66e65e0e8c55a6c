"""Open photo files: parse their headers, and decode their pixels on demand.

Each format has one function that takes the bytes of a file and returns a `Source`. Pillow decodes
8 bits, OpenCV 16 bits, and pillow-heif HEIC (the extra `heic`). For a damaged file, a function
raises the errors of its library.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.AvifImagePlugin import AvifImageFile
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from kinoloom.base.need import need
from kinoloom.errors import UnsupportedMediaError
from kinoloom.media.container.inputs import open_bytes
from kinoloom.media.photo.completeness import check_png_pixels, expose_early_end
from kinoloom.media.photo.metadata import ORIENTATION, CaptureInfo, parse_capture_time, parse_exif
from kinoloom.media.photo.png_chunks import Png, read_png, split_chunks
from kinoloom.media.photo.tiff_tags import Value, read_tags, replace_short

Pixels = Image.Image | NDArray[np.uint16]
"""Output of a decoder: a Pillow picture of 8 bits, or (H, W), (H, W, 3 or 4) RGB uint16."""

_WIDTH, _HEIGHT, _BITS, _PHOTOMETRIC, _KIND_OF_ALPHA = 256, 257, 258, 262, 338
_SUBFILE, _SAMPLES, _NUMBERS, _PROFILE, _DNG = 254, 277, 339, 34675, 50706
_UNTAGGED = 2
_NO_META = CaptureInfo()


@dataclass(frozen=True)
class Source:
    """An opened photo.

    Attributes:
        width, height: in pixels, as stored (before `meta.orientation` is applied).
        pixels: decodes the pixels.
        bits: per sample.
        meta: the orientation that is still to be applied, and the time of capture.
        icc: the embedded colour profile; b"" for none.
        primaries, transfer: H.273 code points of a photo without a profile; 2 if unspecified.
        remarks: problems that were worked around, each a phrase to follow "the file:".
    """

    width: int
    height: int
    pixels: Callable[[], Pixels]
    bits: int = 8
    meta: CaptureInfo = _NO_META
    icc: bytes = b""
    primaries: int = _UNTAGGED
    transfer: int = _UNTAGGED
    remarks: tuple[str, ...] = ()


def _from_pillow(picture: ImageFile) -> Source:
    """Return the source of a file that Pillow reads directly."""
    meta, remarks = _parse_exif(picture.info.get("exif", b""))
    width, height = picture.size
    return Source(
        width,
        height,
        pixels=lambda: picture,
        meta=meta,
        icc=picture.info.get("icc_profile") or b"",
        remarks=remarks,
    )


def _parse_exif(exif: bytes) -> tuple[CaptureInfo, tuple[str, ...]]:
    try:
        return parse_exif(exif), ()
    except ValueError:
        return CaptureInfo(), (
            "its EXIF data is damaged; orientation and time of capture are unknown",
        )


def _png(data: bytes) -> Source:
    png = read_png(data)
    meta, remarks = _parse_exif(png.exif)
    return Source(
        png.width,
        png.height,
        pixels=lambda: _png_pixels(png),
        bits=max(8, png.bits),
        meta=CaptureInfo(meta.orientation, meta.taken or parse_capture_time(png.text)),
        icc=png.icc,
        primaries=png.primaries,
        transfer=png.transfer,
        remarks=remarks,
    )


def _png_pixels(png: Png) -> Pixels:
    chunks = split_chunks(png.pixels)
    parts = (content for name, content in chunks if name == b"IDAT")
    check_png_pixels(chunks[0][1], parts, (png.width, png.height))
    if png.bits < 16:
        return PngImageFile(io.BytesIO(png.pixels))
    pixels = _decode_with_opencv(png.pixels)
    if pixels.ndim == 2 and png.key:  # OpenCV ignores the transparent colour of grey pictures
        alpha = np.where(pixels == int.from_bytes(png.key[:2], "big"), 0, 65535)
        return np.dstack([pixels, pixels, pixels, alpha.astype(np.uint16)])
    return pixels


def _decode_with_opencv(data: bytes) -> NDArray[np.uint16]:
    """Return the stored samples as RGB."""
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if image is None:
        raise ValueError("its pixels are damaged")
    if image.ndim == 3:
        image = image[..., [2, 1, 0, 3][: image.shape[2]]]
    return np.asarray(image, np.uint16)


def _tiff(data: bytes) -> Source:
    tags = read_tags(data)
    _check_tiff(tags)
    width, height = _number(tags, _WIDTH, 0), _number(tags, _HEIGHT, 0)
    meta, remarks = _parse_exif(data)
    data = replace_short(
        data, ORIENTATION, 1
    )  # else both decoders rotate the picture, and we again
    icc = tags.get(_PROFILE, b"")
    profile = icc if isinstance(icc, bytes) else b""
    if _number(tags, _BITS, 1) == 16:
        straight = _number(tags, _KIND_OF_ALPHA, 0) != 1
        return Source(
            width, height, lambda: _tiff_pixels(data, straight), 16, meta, profile, remarks=remarks
        )
    pixels = TiffImageFile(io.BytesIO(data))
    return Source(width, height, lambda: pixels, meta=meta, icc=profile, remarks=remarks)


def _check_tiff(tags: dict[int, Value]) -> None:
    """Reject files that cannot be converted to 8 or 16 bits.

    Raises:
        UnsupportedMediaError: raw camera data, or samples of another type.
    """
    if _DNG in tags or _number(tags, _SUBFILE, 0) & 1:
        raise UnsupportedMediaError(
            "it has raw camera data", hint="Develop it to JPEG, PNG or TIFF first."
        )
    bits, numbers = _number(tags, _BITS, 1), _number(tags, _NUMBERS, 1)
    colors = _number(tags, _PHOTOMETRIC, 1)
    deep = bits == 16 and colors in (1, 2) and _number(tags, _SAMPLES, 1) in (1, 3, 4)
    if numbers != 1 or not (bits <= 8 or deep):
        raise UnsupportedMediaError(
            f"its {bits}-bit samples are of an unsupported type",
            hint="Save it as RGB with 8 or 16 bits.",
        )


def _number(tags: dict[int, Value], tag: int, default: int) -> int:
    value = tags.get(tag, ())
    return int(value[0]) if value else default


def _tiff_pixels(data: bytes, straight: bool) -> NDArray[np.uint16]:
    pixels = _decode_with_opencv(data)
    if straight or pixels.shape[2:] != (4,):
        return pixels
    alpha = np.maximum(pixels[..., 3:], 1).astype(np.float64)
    color = np.minimum(np.rint(pixels[..., :3] * 65535.0 / alpha), 65535)
    return np.dstack([color.astype(np.uint16), pixels[..., 3]])


def _avif(data: bytes) -> Source:
    source = _from_pillow(AvifImageFile(io.BytesIO(data)))
    with open_bytes(data, "mov") as container:
        coded = container.streams.video[0].codec_context
        bits = av.VideoFormat(coded.pix_fmt or "yuv420p").components[0].bits
        primaries, transfer = coded.color_primaries, coded.color_trc
    source = replace(source, bits=bits, primaries=primaries, transfer=transfer)
    if bits == 8:
        return source
    return replace(source, pixels=lambda: _widen(_decode_with_opencv(data), bits))


def _heic(data: bytes) -> Source:
    heif = need("pillow_heif", extra="heic")
    image = heif.open_heif(io.BytesIO(data), convert_hdr_to_8bit=False)
    meta, remarks = _parse_exif(image.info.get("exif") or b"")
    color = image.info.get("nclx_profile") or {}
    bits = int(image.info.get("bit_depth", 8))
    width, height = image.size
    return Source(
        width,
        height,
        pixels=lambda: _heic_pixels(image, bits),
        bits=bits,
        meta=CaptureInfo(taken=meta.taken),  # pillow-heif applies the orientation itself
        icc=image.info.get("icc_profile") or b"",
        primaries=int(color.get("color_primaries", _UNTAGGED)),
        transfer=int(color.get("transfer_characteristics", _UNTAGGED)),
        remarks=remarks,
    )


def _heic_pixels(image: Any, bits: int) -> Pixels:
    pixels = np.asarray(image)
    if bits == 8:
        return Image.fromarray(pixels)
    return _widen(pixels >> (16 - bits), bits)


def _widen(pixels: NDArray[Any], bits: int) -> NDArray[np.uint16]:
    """Scale samples of 9 to 15 bits to the full range of 16 bits."""
    top = (1 << bits) - 1
    return ((pixels.astype(np.uint32) * 65535 + top // 2) // top).astype(np.uint16)


def _pillow_reader(reader: Callable[[io.BytesIO], ImageFile]) -> Callable[[bytes], Source]:
    return lambda data: _from_pillow(reader(io.BytesIO(data)))


def _jpeg(data: bytes) -> Source:
    source = _from_pillow(JpegImageFile(io.BytesIO(data)))
    return replace(source, pixels=lambda: JpegImageFile(io.BytesIO(expose_early_end(data))))


OPENERS: dict[str, Callable[[bytes], Source]] = {
    "JPEG": _jpeg,
    "PNG": _png,
    "WebP": _pillow_reader(WebPImageFile),
    "TIFF": _tiff,
    "AVIF": _avif,
    "HEIC": _heic,
    "BMP": _pillow_reader(BmpImageFile),
    "GIF": _pillow_reader(GifImageFile),
}
"""The opener of each format, by its name from `formats.detect_format`."""
