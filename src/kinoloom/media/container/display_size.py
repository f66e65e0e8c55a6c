"""Writes the shape of pixels that are not square into a finished Matroska or WebM file.

FFmpeg's writer takes it from a field that PyAV does not reach, and not every codec tells it in
its own stream. So the film is written with a place kept free in the head of its picture track,
and the display size is put there afterwards; no byte of the film moves.

Sources: RFC 8794 (EBML: element ids and sizes), RFC 9559 (Matroska: Video, DisplayWidth,
DisplayHeight; a CRC-32 element covers what follows it in its parent).
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

from kinoloom.errors import OutputError

FREE_PLACE = "-" * 16
"""To be the title of the picture track while the file is written."""

_SEGMENT, _TRACKS, _ENTRY, _VIDEO = 0x18538067, 0x1654AE6B, 0xAE, 0xE0
_NAME, _VOID, _CRC = 0x536E, 0xEC, 0xBF
_DISPLAY_WIDTH, _DISPLAY_HEIGHT, _DISPLAY_UNIT = 0x54B0, 0x54BA, 0x54B2
_HEAD_BYTES = 1 << 20

Element = tuple[int, bytes]
"""The id and the content of an EBML element."""


def set_display_size(path: Path, width: int, height: int, pixel_aspect: Fraction) -> None:
    """Tell players of `path` to show its pictures with pixels of a shape.

    Args:
        path: a Matroska or WebM file whose picture track has the title `FREE_PLACE`.
        width, height: of the pictures, in pixels.
        pixel_aspect: width of a pixel over its height; the display width is rounded to pixels.

    Raises:
        OutputError: the place was not kept free.
    """
    size = [
        (_DISPLAY_WIDTH, round(width * pixel_aspect).to_bytes(4, "big")),
        (_DISPLAY_HEIGHT, height.to_bytes(4, "big")),
    ]
    with path.open("r+b") as file:
        head = file.read(_HEAD_BYTES)
        begin, end = _tracks(head)
        before = list(_elements(head[begin:end]))
        tracks = [_shown(element, size) for element in before]
        free = end - begin - len(_joined(tracks))
        if tracks == before or free < 2:
            raise OutputError(f"{path} has no room for the shape of its pixels.")
        file.seek(begin)
        file.write(_checked(tracks, _void(free)))


def _tracks(head: bytes) -> tuple[int, int]:
    """Where the content of the Tracks element begins and ends."""
    place = 0
    while place < len(head):
        kind, begin, end = _element_at(head, place)
        if kind == _TRACKS:
            return begin, end
        place = begin if kind == _SEGMENT else end
    return 0, 0


def _shown(element: Element, size: list[Element]) -> Element:
    """The picture track with the display size instead of the place kept free."""
    kind, content = element
    place = (_NAME, FREE_PLACE.encode())
    children = list(_elements(content)) if kind == _ENTRY else []
    if place not in children:
        return element
    kept = [child for child in children if child != place]
    return kind, _joined(
        [
            (_VIDEO, _resized(inside, size)) if child == _VIDEO else (child, inside)
            for child, inside in kept
        ]
    )


def _resized(video: bytes, size: list[Element]) -> bytes:
    replaced = (_DISPLAY_WIDTH, _DISPLAY_HEIGHT, _DISPLAY_UNIT)
    return _joined([*(item for item in _elements(video) if item[0] not in replaced), *size])


def _checked(elements: list[Element], rest: bytes) -> bytes:
    """The elements and the rest, the checksum renewed if they begin with one."""
    if elements[0][0] != _CRC:
        return _joined(elements) + rest
    covered = _joined(elements[1:]) + rest
    return _joined([(_CRC, zlib.crc32(covered).to_bytes(4, "little"))]) + covered


def _elements(data: bytes) -> Iterator[Element]:
    place = 0
    while place < len(data):
        kind, begin, end = _element_at(data, place)
        yield kind, data[begin:end]
        place = end


def _element_at(data: bytes, place: int) -> tuple[int, int, int]:
    """The id of the element at a place, and where its content begins and ends."""
    id_bytes = _length(data[place])
    kind = int.from_bytes(data[place : place + id_bytes], "big")
    place += id_bytes
    size_bytes = _length(data[place])
    size = int.from_bytes(data[place : place + size_bytes], "big") & ((1 << 7 * size_bytes) - 1)
    return kind, place + size_bytes, place + size_bytes + size


def _length(first: int) -> int:
    """How many bytes a number has whose first byte is given: one more than its leading zeros."""
    return 9 - first.bit_length()


def _joined(elements: list[Element]) -> bytes:
    """The elements as bytes, each size in as few as it needs."""
    return b"".join(_encoded(kind, content) for kind, content in elements)


def _encoded(kind: int, content: bytes) -> bytes:
    size_bytes = len(content).bit_length() // 7 + 1
    size = (len(content) | 1 << 7 * size_bytes).to_bytes(size_bytes, "big")
    return kind.to_bytes((kind.bit_length() + 7) // 8, "big") + size + content


def _void(length: int) -> bytes:
    """An element that players skip, of `length` bytes, at least 2."""
    if length < 9:
        return bytes([_VOID, 0x80 | length - 2]) + bytes(length - 2)
    return bytes([_VOID, 1]) + (length - 9).to_bytes(7, "big") + bytes(length - 9)
