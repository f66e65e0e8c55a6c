"""Parse and build EBML, the structure of Matroska and WebM: nested elements of id and content.

Sources: RFC 8794 (EBML: element ids and sizes), RFC 9559 (Matroska: Segment, Tracks).
"""

from __future__ import annotations

from collections.abc import Iterator

SEGMENT, TRACKS, ENTRY, VIDEO = 0x18538067, 0x1654AE6B, 0xAE, 0xE0
HEAD_BYTES = 1 << 20
"""Writers put all tracks within this many bytes from the start of a file."""

Element = tuple[int, bytes]
"""Id and content of an EBML element."""


def find_tracks(head: bytes) -> tuple[int, int]:
    """Return where the content of the Tracks element starts and ends; (0, 0) if there is none."""
    place = 0
    while place < len(head):
        kind, begin, end = _element_at(head, place)
        if kind == TRACKS:
            return begin, end
        place = begin if kind == SEGMENT else end
    return 0, 0


def iter_elements(data: bytes) -> Iterator[Element]:
    """Yield the elements in `data`."""
    place = 0
    while place < len(data):
        kind, begin, end = _element_at(data, place)
        yield kind, data[begin:end]
        place = end


def _element_at(data: bytes, place: int) -> tuple[int, int, int]:
    """Return the id of the element at a position, and where its content starts and ends."""
    id_bytes = _count_bytes(data[place])
    kind = int.from_bytes(data[place : place + id_bytes], "big")
    place += id_bytes
    size_bytes = _count_bytes(data[place])
    size = int.from_bytes(data[place : place + size_bytes], "big") & ((1 << 7 * size_bytes) - 1)
    return kind, place + size_bytes, place + size_bytes + size


def _count_bytes(first: int) -> int:
    """Return the length of a variable-length number: the leading zeros of its first byte + 1."""
    return 9 - first.bit_length()


def join_elements(elements: list[Element]) -> bytes:
    """Return the elements as bytes, with sizes in as few bytes as possible."""
    return b"".join(_encode(kind, content) for kind, content in elements)


def _encode(kind: int, content: bytes) -> bytes:
    size_bytes = len(content).bit_length() // 7 + 1
    size = (len(content) | 1 << 7 * size_bytes).to_bytes(size_bytes, "big")
    return kind.to_bytes((kind.bit_length() + 7) // 8, "big") + size + content
