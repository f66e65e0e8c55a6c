"""Open a photo to edit its pixels and write it back with everything else kept."""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from kinoloom.base.arrays import Picture, to_float
from kinoloom.base.need import need
from kinoloom.errors import UnsupportedMediaError
from kinoloom.media.photo.editing.blocks import Block, Coding, Skeleton
from kinoloom.media.photo.editing.skeletons.avif import read_avif
from kinoloom.media.photo.editing.skeletons.jpeg import read_jpeg
from kinoloom.media.photo.editing.skeletons.plain import PlainSkeleton
from kinoloom.media.photo.editing.skeletons.png import read_png_skeleton
from kinoloom.media.photo.editing.skeletons.tiff import count_pages, read_tiff
from kinoloom.media.photo.editing.skeletons.webp import read_webp
from kinoloom.media.photo.formats import is_animation
from kinoloom.media.photo.metadata import rotate_upright
from kinoloom.media.photo.reading import load, open_source, translate_errors
from kinoloom.media.photo.sources import Pixels, Source

_EXIF_HEAD = b"Exif\0\0"
_COLOURS = ("1", "L", "LA", "La", "RGB", "RGBA", "RGBa", "RGBX", "P", "PA", "YCbCr")
_GREY = ("1", "L", "LA", "La")
_WITH_ALPHA = ("LA", "La", "RGBA", "RGBa", "PA")
_SRGB_PRIMARIES = (0, 1, 2)


@dataclass(frozen=True)
class EditablePhoto:
    """A photo whose pixels can be replaced; everything else of its file is kept.

    Attributes:
        path: the file.
        kind: its format, from `formats.detect_format`.
        samples: (H, W, 1) grey or (H, W, 3) RGB, uint8 or uint16 (full range), upright, in the
            colour space of the file.
        alpha: (H, W) of the same type, straight; None without alpha.
        bits: per sample of the file.
        icc: the embedded colour profile; b"" for none.
        taken: time of capture; None if unknown.
        remarks: what was converted or cannot be kept, each a phrase.
        skeleton: the file without its pixels.
    """

    path: Path
    kind: str
    samples: Picture
    alpha: Picture | None
    bits: int
    icc: bytes
    taken: datetime | None
    remarks: tuple[str, ...]
    skeleton: Skeleton

    @property
    def picture(self) -> NDArray[np.float32]:
        """The samples as a new array, float32 in 0..1; for large photos convert parts instead."""
        return to_float(self.samples)

    @property
    def is_grey(self) -> bool:
        """Whether the file is grey."""
        return bool(self.samples.shape[2] == 1)


def open_photo(path: Path) -> EditablePhoto:
    """Open a photo to edit it.

    Unlike `reading.read_photo`, colours stay in the space of the file, and grey stays grey. The
    orientation is applied. Palettes are converted to RGB, with a remark.

    Args:
        path: a JPEG, PNG, WebP, TIFF, AVIF, HEIC or BMP file, or a GIF file of one frame.

    Raises:
        InputNotFoundError: the file does not exist.
        UnreadableMediaError: the file is a folder, is empty, damaged, or not a picture.
        UnsupportedMediaError: an animation, several pages, CMYK or Lab, HDR, raw camera data, or
            above the pixel limit.
        MissingExtraError: HEIC without the extra `heic`.
        BudgetError: the picture does not fit into memory.
    """
    with translate_errors(path):
        kind, data = load(path)
        _check_single(kind, data)
        source = open_source(kind, data)
        skeleton = read_skeleton(kind, data, _describe_coding(source))
        pixels = source.pixels()
        is_grey = kind == "PNG" and data[25] in (0, 4)
        remarks: tuple[str, ...] = ()
        if isinstance(pixels, Image.Image):
            stored, remarks = _convert_pillow(pixels)
        else:
            stored = _convert_array(pixels, is_grey)
        upright = rotate_upright(stored, source.meta.orientation)
        has_alpha = upright.shape[2] in (2, 4)
        colors = upright.shape[2] - has_alpha
        return EditablePhoto(
            path=path,
            kind=kind,
            samples=np.ascontiguousarray(upright[..., :colors]),
            alpha=np.ascontiguousarray(upright[..., colors]) if has_alpha else None,
            bits=source.bits,
            icc=source.icc,
            taken=source.meta.taken,
            remarks=(*source.remarks, *remarks, *skeleton.remarks),
            skeleton=skeleton,
        )


def _check_single(kind: str, data: bytes) -> None:
    """Reject files of several pictures.

    Raises:
        UnsupportedMediaError: an animation, or several pages.
    """
    if is_animation(data, kind):
        raise UnsupportedMediaError(
            "it is an animation",
            hint="Write a video from it instead: kinoloom enhance FILE -o out.mp4.",
        )
    if kind == "TIFF" and (pages := count_pages(data)) > 1:
        raise UnsupportedMediaError(
            f"it has {pages} pages", hint="Save each page as a file of its own first."
        )


def read_skeleton(kind: str, data: bytes, coding: Coding | None = None) -> Skeleton:
    """Return a picture file without its pixels.

    Args:
        kind: its format.
        data: the whole file.
        coding: how the pixels of an AVIF file are coded.

    Raises:
        ValueError: the file is damaged.
    """
    if kind == "JPEG":
        return read_jpeg(data)
    if kind == "PNG":
        return read_png_skeleton(data)
    if kind == "WebP":
        return read_webp(data)
    if kind == "TIFF":
        return read_tiff(data)
    if kind == "AVIF":
        return read_avif(data, coding or Coding())
    return PlainSkeleton(tuple(_read_heic(data)) if kind == "HEIC" else ())


def _describe_coding(source: Source) -> Coding:
    """Return bits and colours, those of sRGB or of a file with a profile as unspecified."""
    if source.icc or source.primaries in _SRGB_PRIMARIES:
        return Coding(bits=source.bits)
    return Coding(bits=source.bits, primaries=source.primaries, transfer=source.transfer)


def _read_heic(data: bytes) -> list[Block]:
    info: dict[str, Any] = need("pillow_heif", extra="heic").open_heif(io.BytesIO(data)).info
    exif = (info.get("exif") or b"").removeprefix(_EXIF_HEAD)
    packet = info.get("xmp") or b""
    blocks = [Block("exif", exif)] if exif else []
    return [*blocks, Block("xmp", packet)] if packet else blocks


def _convert_pillow(image: Image.Image) -> tuple[Picture, tuple[str, ...]]:
    """Return 8-bit samples (H, W, 1 to 4), and remarks.

    Raises:
        UnsupportedMediaError: CMYK, Lab or another mode that is not grey or RGB.
    """
    mode = image.mode
    if mode == "CMYK":
        raise UnsupportedMediaError(
            "its colours are CMYK, for print", hint="Convert it to RGB in an image editor first."
        )
    if mode not in _COLOURS:
        raise UnsupportedMediaError(
            f"its pixels are of the kind {mode}", hint="Save it as RGB or grey first."
        )
    has_alpha = mode in _WITH_ALPHA or "transparency" in image.info
    wanted = "RGBA" if has_alpha else "RGB"
    samples = np.asarray(image if image.mode == wanted else image.convert(wanted))
    remarks = ("its palette was converted to RGB",) if mode in ("P", "PA") else ()
    if mode in _GREY:
        samples = samples[..., [0, 3] if has_alpha else [0]]
        remarks = ("its black and white were converted to grey",) if mode == "1" else ()
    return samples, remarks


def _convert_array(pixels: Pixels, is_grey: bool) -> Picture:
    """Return 16-bit samples (H, W, 1 to 4)."""
    image = np.asarray(pixels)
    if image.ndim == 2:
        return image[..., None]
    if is_grey:
        return image[..., [0, 3] if image.shape[2] == 4 else [0]]
    return image
