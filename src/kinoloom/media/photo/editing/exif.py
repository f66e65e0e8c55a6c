"""Update EXIF data for a changed picture, in place, so that maker notes stay readable.

Source: EXIF 2.32 (CIPA DC-008), sections 4.5 (thumbnails) and 4.6 (tags).
"""

from __future__ import annotations

import io
from collections.abc import Callable
from contextlib import suppress

from PIL.JpegImagePlugin import JpegImageFile

from kinoloom.media.photo.editing.tiff_structure import Directory, TiffStructure
from kinoloom.media.photo.metadata import ORIENTATION

EXIF, GPS = 0x8769, 0x8825
MAKER_NOTE = 0x927C
_SIZE_TAGS = ((0x0100, 0xA002), (0x0101, 0xA003))
"""Tags of the width and of the height, in the first directory and in EXIF's."""
_THUMBNAIL, _THUMBNAIL_BYTES = 0x0201, 0x0202
_THUMBNAIL_SIDE = 160
_MOST_SIDE = 512

Thumbnailer = Callable[[int], bytes]
"""Returns a JPEG file of the new picture, given its longer side in pixels."""


def update_exif(block: bytes, width: int, height: int, thumbnail: Thumbnailer, limit: int) -> bytes:
    """Return EXIF data of an upright picture.

    The orientation becomes 1, sizes in pixels and the thumbnail are replaced where they exist;
    everything else keeps its bytes and its place.

    Args:
        block: a TIFF structure.
        width, height: of the new picture, in pixels.
        thumbnail: encodes the new thumbnail.
        limit: the most bytes of the result; the thumbnail is removed if it does not fit.

    Raises:
        ValueError: the block is damaged.
    """
    structure = TiffStructure(block)
    set_upright(structure, width, height)
    first = structure.first
    if first.next_offset:
        try:
            _replace_thumbnail(structure, first, thumbnail, limit)
        except ValueError:
            structure.set_next(first, 0)
    return bytes(structure.data)


def set_upright(structure: TiffStructure, width: int, height: int) -> None:
    """Set the orientation to 1, and the size in pixels, where the structure has these tags.

    Raises:
        ValueError: the structure is damaged.
    """
    first = structure.first
    inner = structure.follow(first, EXIF)
    if ORIENTATION in first.entries:
        structure.set_integer(first.entries[ORIENTATION], 1)
    for value, tags in zip((width, height), _SIZE_TAGS, strict=True):
        for directory, tag in zip((first, inner), tags, strict=True):
            if directory is not None and tag in directory.entries:
                structure.set_integer(directory.entries[tag], value)


def remove_location(structure: TiffStructure) -> bool:
    """Remove the GPS directory with its values.

    Returns:
        Whether there was one.

    Raises:
        ValueError: the structure is damaged.
    """
    first = structure.first
    if GPS not in first.entries:
        return False
    gps = None
    with suppress(ValueError):  # a pointer to nowhere
        gps = structure.follow(first, GPS)
    if gps is not None and gps.offset != _find_offset(structure, first, EXIF):
        structure.wipe_directory(gps)
    while GPS in first.entries:  # more than once in a damaged directory
        first = structure.remove(first, GPS)
    return True


def _find_offset(structure: TiffStructure, first: Directory, tag: int) -> int:
    entry = first.entries.get(tag)
    return structure.read_integers(entry)[0] if entry is not None else 0


def has_maker_note(structure: TiffStructure) -> bool:
    """Whether the camera's own data is present.

    Raises:
        ValueError: the structure is damaged.
    """
    inner = structure.follow(structure.first, EXIF)
    return inner is not None and MAKER_NOTE in inner.entries


def _replace_thumbnail(
    structure: TiffStructure, first: Directory, thumbnail: Thumbnailer, limit: int
) -> None:
    """Replace the JPEG thumbnail of the second directory; remove a thumbnail of another kind."""
    second = structure.read_directory(first.next_offset)
    old = _find_thumbnail(structure, second)
    if old is None:
        _wipe_strips(structure, second)
        _remove_second(structure, first, second)
        return
    start, size = old
    side = _measure_side(bytes(structure.data[start : start + size]))
    structure.wipe(start, size)
    if start + size >= len(structure.data) - 1 and _find_end(structure, first, second) <= start:
        del structure.data[start:]
    new = thumbnail(side)
    if size >= len(new) and start + size <= len(structure.data):
        structure.data[start : start + len(new)] = new
    elif len(structure.data) + 1 + len(new) <= limit:
        start = structure.append(new)
    else:
        _remove_second(structure, first, second)
        return
    structure.set_integer(second.entries[_THUMBNAIL], start)
    structure.set_integer(second.entries[_THUMBNAIL_BYTES], len(new))
    if ORIENTATION in second.entries:
        structure.set_integer(second.entries[ORIENTATION], 1)


def _find_thumbnail(structure: TiffStructure, second: Directory) -> tuple[int, int] | None:
    """Return offset and bytes of a JPEG thumbnail; None if there is none."""
    tags = (_THUMBNAIL, _THUMBNAIL_BYTES)
    if not all(tag in second.entries for tag in tags):
        return None
    start, size = (structure.read_integers(second.entries[tag])[0] for tag in tags)
    if start < 8 or size == 0 or start + size > len(structure.data):
        return None
    return start, size


def _find_end(structure: TiffStructure, *directories: Directory) -> int:
    """Return the offset after the last value of directories, and of those of EXIF and GPS."""
    inner = (structure.follow(directories[0], tag) for tag in (EXIF, GPS))
    known = [*directories, *(one for one in inner if one is not None)]
    entries = [entry for directory in known for entry in directory.entries.values()]
    return max(*(one.end for one in known), *(one.start + one.size for one in entries))


def _measure_side(jpeg: bytes) -> int:
    with suppress(OSError, ValueError, SyntaxError):
        return min(max(JpegImageFile(io.BytesIO(jpeg)).size), _MOST_SIDE)
    return _THUMBNAIL_SIDE


def _wipe_strips(structure: TiffStructure, second: Directory) -> None:
    starts, sizes = second.entries.get(0x0111), second.entries.get(0x0117)
    if starts is not None and sizes is not None:
        pairs = zip(structure.read_integers(starts), structure.read_integers(sizes), strict=False)
        for start, size in pairs:
            structure.wipe(start, size)


def _remove_second(structure: TiffStructure, first: Directory, second: Directory) -> None:
    structure.wipe_directory(second)
    structure.set_next(first, 0)
