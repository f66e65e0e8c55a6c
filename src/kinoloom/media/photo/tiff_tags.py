"""Tags of a TIFF structure, which both TIFF files and EXIF blocks are.

Source: TIFF 6.0 (Adobe, 1992), section 2; EXIF 2.32 (CIPA DC-008), section 4.6.
"""

from __future__ import annotations

import struct

Value = tuple[int, ...] | bytes
"""Whole numbers of 16 and 32 bits as a tuple; text and all other types as the bytes stored."""

_INTEGERS = {3: "H", 4: "I", 8: "h", 9: "i"}
_SIZES = {5: 8, 10: 8, 11: 4, 12: 8, 13: 4}
"""Bytes of a value of the types that are not read as whole numbers; 1 where not listed."""


def read_tags(data: bytes, pointer: int | None = None) -> dict[int, Value]:
    """The tags of the first directory, or of the directory that a tag of it points to.

    Args:
        data: the structure, from its byte-order mark on.
        pointer: the tag that holds the offset of the directory wanted (0x8769 for EXIF's own).

    Returns:
        Values by tag; empty where there is no such pointer.

    Raises:
        ValueError: not a TIFF structure, or one that is cut off.
    """
    try:
        order, offset = _start(data)
        tags = _directory(data, offset, order)
        if pointer is None:
            return tags
        place = tags.get(pointer, ())
        return _directory(data, int(place[0]), order) if place else {}
    except (KeyError, struct.error) as error:
        raise ValueError("not a whole TIFF structure") from error


def with_short(data: bytes, tag: int, value: int) -> bytes:
    """The structure with the value of a 16-bit tag of its first directory replaced, if present.

    Args:
        data: a structure that `read_tags` reads.
        tag: of one whole number.
        value: 0 to 65535.
    """
    order, offset = _start(data)
    for place in _places(data, offset, order):
        if struct.unpack_from(order + "H", data, place) == (tag,):
            return data[: place + 8] + struct.pack(order + "H", value) + data[place + 10 :]
    return data


def _start(data: bytes) -> tuple[str, int]:
    """The byte order, as `struct` writes it, and the offset of the first directory."""
    order = {b"II*\0": "<", b"MM\0*": ">"}[data[:4]]
    return order, struct.unpack_from(order + "I", data, 4)[0]


def _places(data: bytes, offset: int, order: str) -> range:
    """Where the entries of a directory lie."""
    (count,) = struct.unpack_from(order + "H", data, offset)
    return range(offset + 2, offset + 2 + 12 * count, 12)


def _directory(data: bytes, offset: int, order: str) -> dict[int, Value]:
    return dict(_entry(data, place, order) for place in _places(data, offset, order))


def _entry(data: bytes, place: int, order: str) -> tuple[int, Value]:
    tag, kind, count = struct.unpack_from(order + "HHI", data, place)
    letter = _INTEGERS.get(kind)
    size = count * (struct.calcsize(letter) if letter else _SIZES.get(kind, 1))
    start = place + 8
    if size > 4:
        (start,) = struct.unpack_from(order + "I", data, start)
    if letter:
        return tag, struct.unpack_from(f"{order}{count}{letter}", data, start)
    return tag, struct.unpack_from(f"{size}s", data, start)[0]
