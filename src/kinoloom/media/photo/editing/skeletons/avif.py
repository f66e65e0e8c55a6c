"""AVIF files without their pixels: the EXIF and XMP items of their meta box.

The encoders write all boxes anew, so other items are not kept.

Source: ISO/IEC 14496-12:2022, 8.11 (meta, iinf, iloc, iref, idat); ISO/IEC 23008-12 annex A (Exif).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from kinoloom.media.photo.editing.blocks import Block, Coding, Dpi

Box = tuple[bytes, int, int]
"""Type of a box, and offsets of its content and after it."""

_XMP_TYPE = b"application/rdf+xml\0"
_MOST_BYTES = 1 << 32


@dataclass(frozen=True)
class AvifSkeleton:
    """An AVIF file without its pixels; see `blocks.Skeleton`."""

    blocks: tuple[Block, ...] = ()
    coding: Coding = field(default_factory=Coding)
    remarks: tuple[str, ...] = ()

    @property
    def dpi(self) -> Dpi | None:
        """None: AVIF files have a resolution only in EXIF data."""
        return None

    def strip(self) -> AvifSkeleton:
        """Return the skeleton without items."""
        return AvifSkeleton(coding=self.coding)

    def assemble(
        self, encoded: bytes, edited: Sequence[Block | None], added: Sequence[Block]
    ) -> bytes:
        """Return a file of new pixels with the items of this one; see `blocks.Skeleton`.

        Raises:
            ValueError: a block of a kind that AVIF does not store.
        """
        blocks = [block for block in (*edited, *added) if block is not None]
        if wrong := [block.kind for block in blocks if block.kind not in ("exif", "xmp")]:
            raise ValueError(f"an AVIF file has no place for {wrong[0]} data")
        data = _tag_colours(encoded, self.coding)
        return _add_items(data, blocks) if blocks else data


def read_avif(data: bytes, coding: Coding) -> AvifSkeleton:
    """Return an AVIF file without its pixels.

    Args:
        data: the whole file.
        coding: bits and colours of its pixels.

    Raises:
        ValueError: its boxes are damaged.
    """
    try:
        blocks = tuple(_read_blocks(data))
    except (struct.error, IndexError, StopIteration) as error:
        raise ValueError("its boxes are damaged") from error
    return AvifSkeleton(blocks, coding)


def _read_blocks(data: bytes) -> Iterator[Block]:
    meta = _find_box(data, b"meta", 0, len(data))
    if meta is None:
        return
    children = {kind: (start, end) for kind, start, end in _list_boxes(data, meta[1] + 4, meta[2])}
    if b"iinf" not in children or b"iloc" not in children:
        return
    locations = dict(_read_locations(data, *children[b"iloc"], children.get(b"idat", (0, 0))[0]))
    for number, kind, content_type in _list_items(data, *children[b"iinf"]):
        parts = locations.get(number, [])
        content = b"".join(data[start : start + size] for start, size in parts)
        if kind == b"Exif" and len(content) > 4:
            yield Block("exif", content[4 + int.from_bytes(content[:4], "big") :])
        elif kind == b"mime" and content_type.startswith(_XMP_TYPE) and content:
            yield Block("xmp", content)


def _list_boxes(data: bytes, start: int, end: int) -> Iterator[Box]:
    while start + 8 <= end:
        size, kind = struct.unpack_from(">I4s", data, start)
        head = 8
        if size == 1:
            (size,) = struct.unpack_from(">Q", data, start + 8)
            head = 16
        stop = end if size == 0 else start + size
        if stop < start + head or stop > end:
            raise ValueError("its boxes are damaged")
        yield kind, start + head, stop
        start = stop


def _find_box(data: bytes, kind: bytes, start: int, end: int) -> Box | None:
    return next((box for box in _list_boxes(data, start, end) if box[0] == kind), None)


def _list_items(data: bytes, start: int, end: int) -> Iterator[tuple[int, bytes, bytes]]:
    """Yield number, type, and what follows the name, of each item."""
    first = start + (6 if data[start] == 0 else 8)
    for kind, at, stop in _list_boxes(data, first, end):
        if kind != b"infe" or data[at] < 2:
            continue
        wide = data[at] > 2
        (number,) = struct.unpack_from(">I" if wide else ">H", data, at + 4)
        place = at + (10 if wide else 8)
        _, _, rest = data[place + 4 : stop].partition(b"\0")
        yield number, data[place : place + 4], rest


def _read_locations(
    data: bytes, start: int, end: int, idat: int
) -> Iterator[tuple[int, list[tuple[int, int]]]]:
    """Yield the number of each item, and offset and size of its parts."""
    version, sizes, more = data[start], data[start + 4], data[start + 5]
    widths = sizes >> 4, sizes & 15, more >> 4, (more & 15 if version else 0)
    wide = version == 2
    (count,) = struct.unpack_from(">I" if wide else ">H", data, start + 6)
    place = start + (10 if wide else 8)

    def take(width: int) -> int:
        nonlocal place
        place += width
        if place > end:
            raise ValueError("its boxes are damaged")
        return int.from_bytes(data[place - width : place], "big")

    for _ in range(count):
        number = take(4 if wide else 2)
        method = take(2) & 15 if version else 0
        take(2)
        base = take(widths[2]) + (idat if method == 1 else 0)
        parts = []
        for _ in range(take(2)):
            take(widths[3])
            offset, size = take(widths[0]), take(widths[1])
            parts.append((base + offset, size))
        yield number, parts if method <= 1 else []


def _tag_colours(data: bytes, coding: Coding) -> bytes:
    """Return the file with the primaries and transfer of `coding`, if it has some."""
    at = data.find(b"colrnclx", 0, data.find(b"mdat"))
    if at < 0 or not coding.primaries:
        return data
    return data[: at + 8] + struct.pack(">HH", coding.primaries, coding.transfer) + data[at + 12 :]


def _add_items(data: bytes, blocks: Sequence[Block]) -> bytes:
    """Return a file of the encoder with further items, whose data follows at the end."""
    meta = _find_box(data, b"meta", 0, len(data))
    if meta is None:
        raise ValueError("its meta box is missing")
    boxes = {k: data[s:e] for k, s, e in _list_boxes(data, meta[1] + 4, meta[2])}
    old_parts = dict(_read_locations(data, *_find(data, meta, b"iloc"), 0))
    primary = boxes[b"pitm"][4:6]
    numbers = range(max(old_parts) + 1, max(old_parts) + 1 + len(blocks))
    payloads = [(bytes(4) if one.kind == "exif" else b"") + one.data for one in blocks]
    infos = [_describe_item(n, block) for n, block in zip(numbers, blocks, strict=True)]
    links = [_box(b"cdsc", struct.pack(">HH", n, 1) + primary) for n in numbers]
    count = len(old_parts) + len(blocks)
    boxes[b"iinf"] = bytes(4) + struct.pack(">H", count) + boxes[b"iinf"][6:] + b"".join(infos)
    boxes[b"iref"] = boxes.get(b"iref", bytes(4)) + b"".join(links)

    def write_meta(growth: int) -> bytes:
        places = {n: [(at + growth, size) for at, size in p] for n, p in old_parts.items()}
        start = len(data) + growth + 8
        for number, payload in zip(numbers, payloads, strict=True):
            places[number] = [(start, len(payload))]
            start += len(payload)
        if start >= _MOST_BYTES:
            raise ValueError("an AVIF file cannot be larger than 4 GiB")
        boxes[b"iloc"] = _write_locations(places)
        return _box(b"meta", data[meta[1] : meta[1] + 4], *(_box(k, b) for k, b in boxes.items()))

    before = meta[1] - 8
    growth = len(write_meta(0)) - (meta[2] - before)
    parts = [data[:before], write_meta(growth), data[meta[2] :], _box(b"mdat", *payloads)]
    return b"".join(parts)


def _find(data: bytes, meta: Box, kind: bytes) -> tuple[int, int]:
    found = _find_box(data, kind, meta[1] + 4, meta[2])
    if found is None:
        raise ValueError("its boxes are damaged")
    return found[1], found[2]


def _box(kind: bytes, *parts: bytes) -> bytes:
    content = b"".join(parts)
    return struct.pack(">I4s", len(content) + 8, kind) + content


def _describe_item(number: int, block: Block) -> bytes:
    names = (b"Exif", b"Exif\0") if block.kind == "exif" else (b"mime", b"XMP\0" + _XMP_TYPE)
    return _box(b"infe", b"\x02\0\0\0", struct.pack(">HH", number, 0), *names)


def _write_locations(places: dict[int, list[tuple[int, int]]]) -> bytes:
    out = bytes(4) + b"\x44\0" + struct.pack(">H", len(places))
    for number, parts in places.items():
        out += struct.pack(">HHH", number, 0, len(parts))
        out += b"".join(struct.pack(">II", *part) for part in parts)
    return out
