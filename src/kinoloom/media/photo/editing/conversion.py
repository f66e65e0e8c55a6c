"""Carry metadata over to another format."""

from __future__ import annotations

from collections.abc import Callable

from kinoloom.media.photo.editing.blocks import Block, Coding, Dpi, Skeleton
from kinoloom.media.photo.editing.encoding import choose_bits
from kinoloom.media.photo.editing.iptc import has_iptc
from kinoloom.media.photo.editing.opening import EditablePhoto
from kinoloom.media.photo.editing.skeletons.avif import AvifSkeleton
from kinoloom.media.photo.editing.skeletons.jpeg import EXIF_LIMIT, create_jpeg
from kinoloom.media.photo.editing.skeletons.png import PngSkeleton, create_png
from kinoloom.media.photo.editing.skeletons.tiff import TiffSkeleton, adopt_exif, extract_exif
from kinoloom.media.photo.editing.skeletons.webp import create_webp

_PLACES = {
    "JPEG": ("exif", "xmp", "photoshop", "iptc"),
    "PNG": ("exif", "xmp", "photoshop", "iptc"),
    "WebP": ("exif", "xmp"),
    "AVIF": ("exif", "xmp"),
    "TIFF": ("xmp", "photoshop", "iptc"),
}

_SRGB_GAMMA = (45455).to_bytes(4, "big")
"""The content of gAMA for pictures in sRGB."""


def convert(photo: EditablePhoto, kind: str) -> tuple[Skeleton, list[Block], list[str]]:
    """Return the skeleton of a file of another format, the blocks to add to it, and remarks.

    EXIF, XMP and IPTC data and the colour profile are carried over as far as the format stores
    them.

    Args:
        photo: the photo.
        kind: the other format.
    """
    remarks = [f"data that only {photo.kind} files have was not carried over to {kind}"]
    if not photo.icc and _has_own_colours(photo.skeleton):
        remarks.append(f"its colours have no profile, so {kind} files show them as sRGB")
    blocks: dict[str, Block] = {}
    for block in photo.skeleton.blocks:
        blocks.setdefault(block.kind, block)
    if isinstance(photo.skeleton, TiffSkeleton):
        exif = extract_exif(photo.skeleton)
        blocks.pop("exif")
        blocks |= {"exif": Block("exif", exif)} if exif else {}
        if "photoshop" in blocks and has_iptc(blocks["photoshop"].data):
            blocks.pop("iptc", None)  # a copy
    skeleton = _create(photo, kind, blocks, remarks)
    added = [_fit(block, kind, remarks) for block in blocks.values()]
    return skeleton, [block for block in added if block is not None], remarks


def _has_own_colours(skeleton: Skeleton) -> bool:
    """Whether code points or chunks define colours, which only that format stores."""
    if isinstance(skeleton, PngSkeleton):
        chunks = dict(skeleton.before)
        return b"cICP" in chunks or chunks.get(b"gAMA", _SRGB_GAMMA) != _SRGB_GAMMA
    return skeleton.coding.primaries != 0


def _create(
    photo: EditablePhoto, kind: str, blocks: dict[str, Block], remarks: list[str]
) -> Skeleton:
    """Return the skeleton of a new file; that of a TIFF file takes the EXIF data."""
    dpi = photo.skeleton.dpi
    if kind == "TIFF":
        try:
            return adopt_exif(blocks.pop("exif", Block("exif", b"")).data, photo.icc, dpi)
        except ValueError:
            remarks.append("its EXIF data is damaged and was not carried over")
            return adopt_exif(b"", photo.icc, dpi)
    if kind == "AVIF":
        return AvifSkeleton(coding=Coding(bits=choose_bits("AVIF", photo.bits)))
    creators: dict[str, Callable[[bytes, Dpi | None], Skeleton]] = {
        "JPEG": create_jpeg,
        "PNG": create_png,
        "WebP": create_webp,
    }
    return creators[kind](photo.icc, dpi)


def _fit(block: Block, kind: str, remarks: list[str]) -> Block | None:
    """Return a block as another format stores it; None with a remark if it cannot."""
    if block.kind not in _PLACES[kind]:
        remarks.append(f"its {block.kind.upper()} data was dropped: {kind} has no place for it")
        return None
    if kind == "JPEG" and block.kind == "exif" and len(block.data) > EXIF_LIMIT:
        remarks.append("its EXIF data was dropped: it is larger than a JPEG file can hold")
        return None
    if block.extension and kind != "JPEG":
        remarks.append("its extended XMP was dropped: only JPEG files have it")
        return Block(block.kind, block.data)
    return block
