"""Writes the shape of pixels that are not square into a finished Matroska or WebM file.

FFmpeg's writer takes it from a field that PyAV does not reach, and not every codec tells it in
its own stream. So the film is written with a place kept free in the head of its picture track,
and the display size is put there afterwards; no byte of the film moves.

Sources: RFC 8794 (EBML: element ids and sizes), RFC 9559 (Matroska: Video, DisplayWidth,
DisplayHeight; a CRC-32 element covers what follows it in its parent).
"""

from __future__ import annotations

import zlib
from fractions import Fraction
from pathlib import Path

from kinoloom.errors import OutputError
from kinoloom.media.container.ebml import (
    ENTRY,
    HEAD_BYTES,
    VIDEO,
    Element,
    find_tracks,
    iter_elements,
    join_elements,
)

PLACEHOLDER = "-" * 16
"""To be the title of the picture track while the file is written."""

_NAME, _VOID, _CRC = 0x536E, 0xEC, 0xBF
_DISPLAY_WIDTH, _DISPLAY_HEIGHT, _DISPLAY_UNIT = 0x54B0, 0x54BA, 0x54B2


def set_display_size(path: Path, width: int, height: int, pixel_aspect: Fraction) -> None:
    """Tell players of `path` to show its pictures with pixels of a shape.

    Args:
        path: a Matroska or WebM file whose picture track has the title `PLACEHOLDER`.
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
        head = file.read(HEAD_BYTES)
        begin, end = find_tracks(head)
        before = list(iter_elements(head[begin:end]))
        tracks = [_with_display_size(element, size) for element in before]
        free = end - begin - len(join_elements(tracks))
        if tracks == before or free < 2:
            raise OutputError(f"{path} has no room for the shape of its pixels.")
        file.seek(begin)
        file.write(_renew_checksum(tracks, _void_element(free)))


def _with_display_size(element: Element, size: list[Element]) -> Element:
    """The picture track with the display size instead of the place kept free."""
    kind, content = element
    place = (_NAME, PLACEHOLDER.encode())
    children = list(iter_elements(content)) if kind == ENTRY else []
    if place not in children:
        return element
    kept = [child for child in children if child != place]
    return kind, join_elements(
        [
            (VIDEO, _replace_display_size(inside, size)) if child == VIDEO else (child, inside)
            for child, inside in kept
        ]
    )


def _replace_display_size(video: bytes, size: list[Element]) -> bytes:
    replaced = (_DISPLAY_WIDTH, _DISPLAY_HEIGHT, _DISPLAY_UNIT)
    return join_elements(
        [*(item for item in iter_elements(video) if item[0] not in replaced), *size]
    )


def _renew_checksum(elements: list[Element], rest: bytes) -> bytes:
    """The elements and the rest, the checksum renewed if they begin with one."""
    if elements[0][0] != _CRC:
        return join_elements(elements) + rest
    covered = join_elements(elements[1:]) + rest
    return join_elements([(_CRC, zlib.crc32(covered).to_bytes(4, "little"))]) + covered


def _void_element(length: int) -> bytes:
    """An element that players skip, of `length` bytes, at least 2."""
    if length < 9:
        return bytes([_VOID, 0x80 | length - 2]) + bytes(length - 2)
    return bytes([_VOID, 1]) + (length - 9).to_bytes(7, "big") + bytes(length - 9)
