"""Edit the metadata of a photo for a new picture, as far as it is understood."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from kinoloom.media.photo.editing import iptc, xmp
from kinoloom.media.photo.editing.blocks import Block
from kinoloom.media.photo.editing.exif import (
    Thumbnailer,
    has_maker_note,
    remove_location,
    update_exif,
)
from kinoloom.media.photo.editing.tiff_structure import TiffStructure
from kinoloom.media.photo.metadata import parse_exif

_NAMES = {"exif": "EXIF", "xmp": "XMP", "photoshop": "Photoshop", "iptc": "IPTC"}


@dataclass
class Edits:
    """Edited metadata.

    Attributes:
        blocks: what replaces each block; None removes it.
        removed: what was removed on request, each a phrase.
        remarks: what could not be edited or kept, each a phrase.
    """

    blocks: list[Block | None] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Change:
    """The new picture, and what happens to its metadata.

    Attributes:
        width, height: in pixels.
        scales: width and height over those of the photo.
        thumbnail: encodes its thumbnail.
        without_location: whether places are removed.
        exif_limit: the most bytes of EXIF data.
    """

    width: int
    height: int
    thumbnail: Thumbnailer
    scales: xmp.Scales = (1, 1)
    without_location: bool = False
    exif_limit: int = 1 << 31


def edit_blocks(blocks: Sequence[Block], change: Change) -> Edits:
    """Update blocks of metadata for a new picture.

    The orientation becomes 1, and sizes and thumbnails those of the new picture. A damaged block is
    kept as it is, but removed if places are to be removed.
    """
    edits = Edits()
    editors: dict[str, Callable[[Block, Change, Edits], Block | None]] = {
        "exif": _edit_exif,
        "xmp": _edit_xmp,
        "photoshop": _edit_photoshop,
        "iptc": _edit_iptc,
    }
    for block in blocks:
        try:
            edits.blocks.append(editors[block.kind](block, change, edits))
        except ValueError:
            name = _NAMES[block.kind]
            edits.blocks.append(None if change.without_location else block)
            if change.without_location:
                edits.removed.append(f"its damaged {name} data")
            else:
                edits.remarks.append(f"its {name} data is damaged and was kept as it is")
    return edits


def _edit_exif(block: Block, change: Change, edits: Edits) -> Block | None:
    data = block.data
    parse_exif(data)  # the orientation is not applied if this fails
    if change.without_location:
        structure = TiffStructure(data)
        if remove_location(structure):
            edits.removed.append("the GPS position (EXIF)")
        if has_maker_note(structure):
            edits.remarks.append("its maker note was kept, which some cameras add places to")
        data = bytes(structure.data)
    size = change.width, change.height
    data = update_exif(data, *size, change.thumbnail, change.exif_limit)
    if not _is_upright(data):  # values that overlap
        edits.remarks.append("its EXIF data is damaged and was dropped")
        return None
    return replace(block, data=data)


def _is_upright(data: bytes) -> bool:
    try:
        return parse_exif(data).orientation == 1
    except ValueError:
        return False


def _edit_xmp(block: Block, change: Change, edits: Edits) -> Block:
    parts = [block.data, block.extension]
    for k, part in enumerate(parts):
        if not part:
            continue
        parts[k] = xmp.set_size(part, change.width, change.height, change.scales)
        if change.without_location and (plain := xmp.remove_places(parts[k])) != parts[k]:
            parts[k] = plain
            edits.removed.append("positions and places (XMP)")
    return replace(block, data=parts[0], extension=parts[1])


def _edit_photoshop(block: Block, change: Change, edits: Edits) -> Block | None:
    data, has_places = iptc.edit_resources(block.data, without_places=change.without_location)
    if has_places:
        edits.removed.append("places (IPTC)")
    return replace(block, data=data) if data else None


def _edit_iptc(block: Block, change: Change, edits: Edits) -> Block | None:
    if not change.without_location or (plain := iptc.remove_places(block.data)) == block.data:
        return block
    edits.removed.append("places (IPTC)")
    return replace(block, data=plain) if plain else None
