"""EBML, the structure of Matroska and WebM files: nested elements of an id and a content.

Sources: RFC 8794 (EBML: element ids and sizes), RFC 9559 (Matroska: Segment, Tracks).
"""

from __future__ import annotations

from collections.abc import Iterator

SEGMENT, TRACKS, ENTRY, VIDEO = 0x18538067, 0x1654AE6B, 0xAE, 0xE0
HEAD_BYTES = 1 << 20
"""A writer puts all tracks within so many bytes from the beginning of a file."""

Element = tuple[int, bytes]
"""The id and the content of an EBML element."""


def find_tracks(head: bytes) -> tuple[int, int]:
    """Return where the content of the Tracks element begins and ends; (0, 0) if it is not found."""
    place = 0
    while place < len(head):
        kind, begin, end = _element_at(head, place)
        if kind == TRACKS:
            return begin, end
        place = begin if kind == SEGMENT else end
    return 0, 0


def iter_elements(data: bytes) -> Iterator[Element]:
    """Yield the elements that follow each other in `data`."""
    place = 0
    while place < len(data):
        kind, begin, end = _element_at(data, place)
        yield kind, data[begin:end]
        place = end


def _element_at(data: bytes, place: int) -> tuple[int, int, int]:
    """The id of the element at a place, and where its content begins and ends."""
    id_bytes = _count_bytes(data[place])
    kind = int.from_bytes(data[place : place + id_bytes], "big")
    place += id_bytes
    size_bytes = _count_bytes(data[place])
    size = int.from_bytes(data[place : place + size_bytes], "big") & ((1 << 7 * size_bytes) - 1)
    return kind, place + size_bytes, place + size_bytes + size


def _count_bytes(first: int) -> int:
    """How many bytes a number has whose first byte is given: one more than its leading zeros."""
    return 9 - first.bit_length()


def join_elements(elements: list[Element]) -> bytes:
    """Return the elements as bytes, each size in as few as it needs."""
    return b"".join(_encode(kind, content) for kind, content in elements)


def _encode(kind: int, content: bytes) -> bytes:
    size_bytes = len(content).bit_length() // 7 + 1
    size = (len(content) | 1 << 7 * size_bytes).to_bytes(size_bytes, "big")
    return kind.to_bytes((kind.bit_length() + 7) // 8, "big") + size + content
