"""Write the pixel aspect ratio into a finished Matroska or WebM file.

FFmpeg's muxer takes it from a field that PyAV does not expose, and not every codec stores it in its
stream. So the film is written with a placeholder in the header of its picture track, which is then
replaced by the display size; no other byte moves.

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
"""The beginning of the title of the picture track while the file is written."""

_NAME, _VOID, _CRC = 0x536E, 0xEC, 0xBF
_DISPLAY_WIDTH, _DISPLAY_HEIGHT, _DISPLAY_UNIT = 0x54B0, 0x54BA, 0x54B2


def set_display_size(path: Path, width: int, height: int, pixel_aspect: Fraction) -> None:
    """Set the display size of a film with non-square pixels.

    Args:
        path: a Matroska or WebM file whose picture track has a title that begins with
            `PLACEHOLDER`; the rest stays.
        width, height: of the pictures, in pixels.
        pixel_aspect: width of a pixel divided by its height; the display width is rounded to
            pixels.

    Raises:
        OutputError: the file has no placeholder.
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
            raise OutputError(f"{path} has no room for its pixel aspect ratio.")
        file.seek(begin)
        file.write(_renew_checksum(tracks, _void_element(free)))


def _with_display_size(element: Element, size: list[Element]) -> Element:
    """Return the picture track with the display size instead of the placeholder."""
    kind, content = element
    children = list(iter_elements(content)) if kind == ENTRY else []
    place = next((each for each in children if _is_placeholder(each)), None)
    if place is None:
        return element
    kept = [child for child in children if child != place]
    if title := place[1].removeprefix(PLACEHOLDER.encode()):
        kept.append((_NAME, title))
    return kind, join_elements(
        [
            (VIDEO, _replace_display_size(inside, size)) if child == VIDEO else (child, inside)
            for child, inside in kept
        ]
    )


def _is_placeholder(element: Element) -> bool:
    kind, content = element
    return kind == _NAME and content.startswith(PLACEHOLDER.encode())


def _replace_display_size(video: bytes, size: list[Element]) -> bytes:
    replaced = (_DISPLAY_WIDTH, _DISPLAY_HEIGHT, _DISPLAY_UNIT)
    return join_elements(
        [*(item for item in iter_elements(video) if item[0] not in replaced), *size]
    )


def _renew_checksum(elements: list[Element], rest: bytes) -> bytes:
    """Return the elements and the rest as bytes, with the checksum updated if there is one."""
    if elements[0][0] != _CRC:
        return join_elements(elements) + rest
    covered = join_elements(elements[1:]) + rest
    return join_elements([(_CRC, zlib.crc32(covered).to_bytes(4, "little"))]) + covered


def _void_element(length: int) -> bytes:
    """Return an element that players skip, of `length` bytes, at least 2."""
    if length < 9:
        return bytes([_VOID, 0x80 | length - 2]) + bytes(length - 2)
    return bytes([_VOID, 1]) + (length - 9).to_bytes(7, "big") + bytes(length - 9)
