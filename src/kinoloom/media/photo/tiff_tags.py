"""Read and change tags of a TIFF structure, as in TIFF files and EXIF blocks.

Source: TIFF 6.0 (Adobe, 1992), section 2; EXIF 2.32 (CIPA DC-008), section 4.6.
"""

from __future__ import annotations

import struct

Value = tuple[int, ...] | bytes
"""Integers of 16 and 32 bits as a tuple; text and all other types as the stored bytes."""

_INTEGERS = {3: "H", 4: "I", 8: "h", 9: "i"}
_SIZES = {5: 8, 10: 8, 11: 4, 12: 8, 13: 4}
"""Bytes per value of the types that are not read as integers; 1 if not listed."""


def read_tags(data: bytes, pointer: int | None = None) -> dict[int, Value]:
    """Return the tags of the first directory, or of a directory that it points to.

    Args:
        data: the structure, from its byte-order mark on.
        pointer: the tag with the offset of the directory to read (0x8769 for EXIF's).

    Returns:
        Values by tag; empty if the pointer is missing.

    Raises:
        ValueError: not a TIFF structure, or a truncated one.
    """
    try:
        order, offset = _read_header(data)
        tags = _read_directory(data, offset, order)
        if pointer is None:
            return tags
        place = tags.get(pointer, ())
        return _read_directory(data, int(place[0]), order) if place else {}
    except (KeyError, struct.error) as error:
        raise ValueError("not a complete TIFF structure") from error


def replace_short(data: bytes, tag: int, value: int) -> bytes:
    """Return the structure with a new value of a 16-bit tag of its first directory, if present.

    Args:
        data: a structure that `read_tags` can read.
        tag: a tag with one integer.
        value: 0 to 65535.
    """
    order, offset = _read_header(data)
    for place in _list_entries(data, offset, order):
        if struct.unpack_from(order + "H", data, place) == (tag,):
            return data[: place + 8] + struct.pack(order + "H", value) + data[place + 10 :]
    return data


def _read_header(data: bytes) -> tuple[str, int]:
    """Return the byte order as `struct` spells it, and the offset of the first directory."""
    order = {b"II*\0": "<", b"MM\0*": ">"}[data[:4]]
    return order, struct.unpack_from(order + "I", data, 4)[0]


def _list_entries(data: bytes, offset: int, order: str) -> range:
    """Return the offsets of the entries of a directory."""
    (count,) = struct.unpack_from(order + "H", data, offset)
    return range(offset + 2, offset + 2 + 12 * count, 12)


def _read_directory(data: bytes, offset: int, order: str) -> dict[int, Value]:
    return dict(_read_entry(data, place, order) for place in _list_entries(data, offset, order))


def _read_entry(data: bytes, place: int, order: str) -> tuple[int, Value]:
    tag, kind, count = struct.unpack_from(order + "HHI", data, place)
    letter = _INTEGERS.get(kind)
    size = count * (struct.calcsize(letter) if letter else _SIZES.get(kind, 1))
    start = place + 8
    if size > 4:
        (start,) = struct.unpack_from(order + "I", data, start)
    if letter:
        return tag, struct.unpack_from(f"{order}{count}{letter}", data, start)
    return tag, struct.unpack_from(f"{size}s", data, start)[0]
