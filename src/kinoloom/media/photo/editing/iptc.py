"""Remove places from IPTC data, and outdated thumbnails from Photoshop's resources.

Sources: IPTC-NAA Information Interchange Model 4.2 (IIM); Adobe Photoshop File Formats
Specification, "Image Resource Blocks".
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator

_PLACES = {26, 27, 90, 92, 95, 100, 101}
"""Data sets of record 2: codes and names of content locations, city, sublocation, province,
country."""
_APPLICATION_RECORD = 2
_SIGNATURES = (b"8BIM", b"MeSa", b"PHUT", b"AgHg", b"DCSR")
_IPTC, _IPTC_DIGEST = 0x0404, 0x0425
_THUMBNAILS = (0x0409, 0x040C)
_COPIES = (0x0422, 0x0423, 0x0424)
"""Copies of EXIF and XMP inside Photoshop's resources."""


def remove_places(iim: bytes) -> bytes:
    """Return IIM data sets without those that name places; b"" if none are left.

    Raises:
        ValueError: the data sets are damaged.
    """
    kept = []
    for record, number, raw in _split_data_sets(iim):
        if record != _APPLICATION_RECORD or number not in _PLACES:
            kept.append(raw)
    return b"".join(kept)


def edit_resources(data: bytes, *, without_places: bool) -> tuple[bytes, bool]:
    """Return Photoshop's resources without thumbnails, and without places if requested.

    Resources that need no change keep their bytes.

    Args:
        data: resource blocks, "8BIM" and following.
        without_places: whether places are removed; copies of EXIF and XMP are removed with them.

    Returns:
        The resources, and whether a place was removed.

    Raises:
        ValueError: the resources are damaged.
    """
    blocks = list(_split_resources(data))
    digest = b""
    kept = []
    for number, head, content, raw in blocks:
        if number in _THUMBNAILS or (without_places and number in _COPIES):
            continue
        if number == _IPTC and without_places and (plain := remove_places(content)) != content:
            digest = hashlib.md5(plain, usedforsecurity=False).digest()
            raw = _pack_resource(head, plain)
        kept.append((number, head, raw))
    result = b"".join(
        _pack_resource(head, digest) if digest and number == _IPTC_DIGEST else raw
        for number, head, raw in kept
    )
    removed = bool(digest) or (without_places and any(one[0] in _COPIES for one in blocks))
    return result, removed


def has_iptc(data: bytes) -> bool:
    """Whether Photoshop's resources include IPTC data."""
    try:
        return any(number == _IPTC for number, *_ in _split_resources(data))
    except ValueError:
        return False


def wrap_iptc(iim: bytes) -> bytes:
    """Return IIM data sets as a Photoshop resource."""
    return _pack_resource(b"8BIM" + struct.pack(">HH", _IPTC, 0), iim)


def _pack_resource(head: bytes, content: bytes) -> bytes:
    """Return a resource block, given what precedes its size."""
    return head + struct.pack(">I", len(content)) + content + bytes(len(content) % 2)


def _split_data_sets(iim: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Yield record, number and bytes of each data set; zeros at the end are one more."""
    place = 0
    while place < len(iim):
        if not any(iim[place:]):
            yield 0, 0, iim[place:]
            return
        head = iim[place : place + 5]
        if len(head) < 5 or head[0] != 0x1C:
            raise ValueError("its IPTC data is damaged")
        size = int.from_bytes(head[3:5], "big")
        end = place + 5 + size
        if size & 0x8000:  # the length has more bytes
            digits = size & 0x7FFF
            end = place + 5 + digits
            end += int.from_bytes(iim[place + 5 : end], "big")
        if end > len(iim):
            raise ValueError("its IPTC data is damaged")
        yield head[1], head[2], iim[place:end]
        place = end


def _split_resources(data: bytes) -> Iterator[tuple[int, bytes, bytes, bytes]]:
    """Yield number, head (up to the size), content and bytes of each resource."""
    place = 0
    while place < len(data):
        if not any(data[place:]):
            yield -1, b"", b"", data[place:]
            return
        name_size = data[place + 6 : place + 7]
        if data[place : place + 4] not in _SIGNATURES or not name_size:
            raise ValueError("its Photoshop data is damaged")
        head_end = place + 6 + (name_size[0] + 2) // 2 * 2
        start = head_end + 4
        size = int.from_bytes(data[head_end:start], "big")
        if start + size > len(data):
            raise ValueError("its Photoshop data is damaged")
        end = min(start + size + size % 2, len(data))
        number = int.from_bytes(data[place + 4 : place + 6], "big")
        yield number, data[place:head_end], data[start : start + size], data[place:end]
        place = end
