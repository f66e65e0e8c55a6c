"""JPEG files without their pixels: application segments and comments, byte for byte.

Sources: ITU-T T.81 B (segments); JFIF 1.02; EXIF 2.32 (CIPA DC-008) 4.7; XMP specification part 3,
1.1.3; ICC.1:2022 B.4; CIPA DC-007 (MPF); ISO/IEC 19566-5 (JUMBF); Adobe technical note 5116
(APP14).
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from kinoloom.media.photo.editing.blocks import Block, Coding, Dpi, Tables
from kinoloom.media.photo.editing.iptc import wrap_iptc
from kinoloom.media.photo.editing.xmp import rename_extension

Segment = tuple[int, bytes]
"""A marker's second byte, and the content without its length."""

_JFIF, _JFXX = b"JFIF\0", b"JFXX\0"
_EXIF, _XMP = b"Exif\0\0", b"http://ns.adobe.com/xap/1.0/\0"
_EXTENSION, _PHOTOSHOP = b"http://ns.adobe.com/xmp/extension/\0", b"Photoshop 3.0\0"
_ICC, _MPF, _ADOBE = b"ICC_PROFILE\0", b"MPF\0", b"Adobe"
_APP0, _APP1, _APP2, _APP11, _APP13, _APP14, _APP15 = 0xE0, 0xE1, 0xE2, 0xEB, 0xED, 0xEE, 0xEF
_COMMENT, _SCAN, _TABLES, _END = 0xFE, 0xDA, 0xDB, 0xD9
_FRAMES = (0xC0, 0xC1, 0xC2, 0xC9, 0xCA)
_PROGRESSIVE = (0xC2, 0xCA)
_MOST_BYTES = 65533
_PART_BYTES = 65400
"""Of extended XMP and Photoshop's resources in a segment."""
EXIF_LIMIT = _MOST_BYTES - len(_EXIF)
_HEADERS = {"exif": (_APP1, _EXIF), "xmp": (_APP1, _XMP)}
_UNITS = {1: 1.0, 2: 2.54}
"""Units of JFIF, per inch."""
_SAMPLING = {(1, 1): "4:4:4", (2, 1): "4:2:2", (2, 2): "4:2:0"}


@dataclass(frozen=True)
class JpegSkeleton:
    """A JPEG file without its pixels; see `blocks.Skeleton`.

    Attributes:
        segments: those that are kept, in order; a metadata block is at its first segment.
        places: the index in `segments` of each of `blocks`, and how many of them it takes.
    """

    segments: tuple[Segment, ...] = ()
    blocks: tuple[Block, ...] = ()
    places: tuple[range, ...] = ()
    coding: Coding = field(default_factory=Coding)
    remarks: tuple[str, ...] = ()

    @property
    def dpi(self) -> Dpi | None:
        """The resolution in JFIF; see `blocks.Skeleton`."""
        found = next((body for _, body in self.segments if body.startswith(_JFIF)), b"")
        if len(found) < 12 or found[7] not in _UNITS:
            return None
        x, y = struct.unpack(">HH", found[8:12])
        return (x * _UNITS[found[7]], y * _UNITS[found[7]]) if x and y else None

    def strip(self) -> JpegSkeleton:
        """Return the skeleton with JFIF, the colour profile and Adobe's transform only."""
        kept = [one for one in self.segments if one[1].startswith((_JFIF, _ICC, _ADOBE))]
        return JpegSkeleton(segments=tuple(kept), coding=self.coding)

    def assemble(
        self, encoded: bytes, edited: Sequence[Block | None], added: Sequence[Block]
    ) -> bytes:
        """Return a file of new pixels with the segments of this one; see `blocks.Skeleton`.

        Raises:
            ValueError: a block is larger than a segment.
        """
        out: list[Segment] = []
        starts = {place[0]: k for k, place in enumerate(self.places)}
        within = {index for place in self.places for index in place}
        for index, segment in enumerate(self.segments):
            if index in starts:
                k = starts[index]
                unchanged = edited[k] == self.blocks[k]
                old = [self.segments[i] for i in self.places[k]]
                out += old if unchanged else _write_block(edited[k])
            elif index not in within:
                out.append(segment)
        new = [segment for block in added for segment in _write_block(block)]
        first = next((k for k, one in enumerate(out) if one[0] != _APP0), len(out))
        head = b"".join(map(_pack, [*out[:first], *new, *out[first:]]))
        pixels = [one for one in _split_segments(encoded)[0] if not _is_metadata(one[0])]
        scans = encoded[_split_segments(encoded)[1] :]
        return b"\xff\xd8" + head + b"".join(map(_pack, pixels)) + scans


def read_jpeg(data: bytes) -> JpegSkeleton:
    """Return a JPEG file without its pixels.

    Raises:
        ValueError: a segment before the pixels is damaged.
    """
    segments, scan = _split_segments(data)
    remarks = list(_describe_losses(segments, data, scan))
    kept = [
        _without_thumbnail(one)
        for one in segments
        if _is_metadata(one[0]) and not _is_outdated(one)
    ]
    blocks: list[Block] = []
    places: list[range] = []
    index = 0
    while index < len(kept):
        found = _read_block(kept, index)
        if found is not None:
            block, count = found
            blocks.append(block)
            places.append(range(index, index + count))
        index += found[1] if found else 1
    coding = _read_coding(segments)
    skeleton = JpegSkeleton(tuple(kept), tuple(blocks), tuple(places), coding, tuple(remarks))
    return _attach_extension(skeleton)


def create_jpeg(icc: bytes, dpi: Dpi | None) -> JpegSkeleton:
    """Return the skeleton of a new file with a colour profile (b"" for none) and a resolution."""
    density = [min(max(1, round(value)), 0xFFFF) for value in dpi or (1, 1)]
    head = _JFIF + struct.pack(">HBHHH", 0x0101, dpi is not None, *density, 0)
    parts = [icc[at : at + _PART_BYTES] for at in range(0, len(icc), _PART_BYTES)]
    profile = [(_APP2, _ICC + bytes([k, len(parts)]) + part) for k, part in enumerate(parts, 1)]
    return JpegSkeleton(((_APP0, head), *profile))


def _split_segments(data: bytes) -> tuple[list[Segment], int]:
    """Return the segments before the first scan, and the offset of its marker."""
    segments: list[Segment] = []
    place = 2
    while place + 4 <= len(data):
        if data[place] != 0xFF:
            raise ValueError("its segments are damaged")
        marker = data[place + 1]
        if marker == 0xFF:  # fill byte
            place += 1
            continue
        if marker == _SCAN:
            return segments, place
        size = int.from_bytes(data[place + 2 : place + 4], "big")
        end = place + 2 + size
        if size < 2 or end > len(data) or marker == _END:
            raise ValueError("its segments are damaged")
        segments.append((marker, data[place + 4 : end]))
        place = end
    raise ValueError("its pixels are missing")


def _pack(segment: Segment) -> bytes:
    return struct.pack(">BBH", 0xFF, segment[0], len(segment[1]) + 2) + segment[1]


def _is_metadata(marker: int) -> bool:
    return _APP0 <= marker <= _APP15 or marker == _COMMENT


def _is_outdated(segment: Segment) -> bool:
    """Whether a segment describes the old pixels or their bytes."""
    marker, body = segment
    if marker == _APP14 and body.startswith(_ADOBE):
        return len(body) > 11 and body[11] != 1  # RGB or YCCK; the encoder writes YCbCr
    return (
        (marker == _APP0 and body.startswith(_JFXX))
        or (marker == _APP2 and body.startswith(_MPF))
        or (marker == _APP11 and b"c2pa" in body[:256])
    )


def _without_thumbnail(segment: Segment) -> Segment:
    marker, body = segment
    if marker == _APP0 and body.startswith(_JFIF) and len(body) >= 14 and any(body[12:14]):
        return marker, body[:12] + b"\0\0"
    return segment


def _describe_losses(segments: list[Segment], data: bytes, scan: int) -> Iterator[str]:
    if any(marker == _APP11 and b"c2pa" in body[:256] for marker, body in segments):
        yield "its Content Credentials (C2PA) were dropped, because they sign the old pixels"
    if any(marker == _APP2 and body.startswith(_MPF) for marker, body in segments):
        yield "the pictures after the first one (such as previews or an HDR gain map) were dropped"
    elif len(data) - data.find(b"\xff\xd9", scan) > 1 << 12 and b"ftyp" in data[scan:]:
        yield "the video of its motion photo was dropped"


def _read_block(segments: list[Segment], index: int) -> tuple[Block, int] | None:
    """Return the metadata block that begins at a segment, and its number of segments."""
    marker, body = segments[index]
    if marker == _APP1 and body.startswith(_EXIF):
        return Block("exif", body[len(_EXIF) :]), 1
    if marker == _APP1 and body.startswith(_XMP):
        return Block("xmp", body[len(_XMP) :]), 1
    if marker == _APP13 and body.startswith(_PHOTOSHOP):
        parts = []
        for other, content in segments[index:]:
            if other != _APP13 or not content.startswith(_PHOTOSHOP):
                break
            parts.append(content[len(_PHOTOSHOP) :])
        return Block("photoshop", b"".join(parts)), len(parts)
    return None


def _attach_extension(skeleton: JpegSkeleton) -> JpegSkeleton:
    """Return the skeleton with extended XMP in the block of the main packet that refers to it.

    Its segments move behind that of the packet, so that they are one block. Those without such a
    packet are kept like any other segment.
    """
    parts: dict[bytes, list[tuple[int, Segment]]] = {}
    for index, (marker, body) in enumerate(skeleton.segments):
        if marker == _APP1 and body.startswith(_EXTENSION):
            guid = body[len(_EXTENSION) : len(_EXTENSION) + 32]
            parts.setdefault(guid, []).append((index, (marker, body)))
    for k, block in enumerate(skeleton.blocks):
        linked = [parts[one] for one in parts if block.kind == "xmp" and one in block.data]
        if linked and (extension := _join_extension([segment for _, segment in linked[0]])):
            return _move(skeleton, k, linked[0], replace(block, extension=extension))
    return skeleton


def _join_extension(segments: list[Segment]) -> bytes:
    """Return reassembled extended XMP; b"" if parts are missing."""
    start = len(_EXTENSION) + 32
    heads = [struct.unpack(">II", body[start : start + 8]) for _, body in segments]
    pieces = sorted(
        (at, body[start + 8 :]) for (_, at), (_, body) in zip(heads, segments, strict=True)
    )
    joined = b"".join(piece for _, piece in pieces)
    return joined if len(joined) == heads[0][0] else b""


def _move(
    skeleton: JpegSkeleton, k: int, parts: list[tuple[int, Segment]], block: Block
) -> JpegSkeleton:
    """Return the skeleton with segments moved behind those of block `k`."""
    order = [index for index in range(len(skeleton.segments)) if index not in dict(parts)]
    at = order.index(skeleton.places[k][-1]) + 1
    order[at:at] = [index for index, _ in parts]
    where = {old: new for new, old in enumerate(order)}
    places = [range(where[p[0]], where[p[-1]] + 1) for p in skeleton.places]
    places[k] = range(places[k].start, places[k].stop + len(parts))
    blocks = [*skeleton.blocks[:k], block, *skeleton.blocks[k + 1 :]]
    segments = tuple(skeleton.segments[index] for index in order)
    return replace(skeleton, segments=segments, blocks=tuple(blocks), places=tuple(places))


def _write_block(block: Block | None) -> list[Segment]:
    """Return the segments of a block.

    Raises:
        ValueError: it is larger than a segment and cannot be split.
    """
    if block is None:
        return []
    if block.kind in ("photoshop", "iptc"):
        data = block.data if block.kind == "photoshop" else wrap_iptc(block.data)
        starts = range(0, len(data), _PART_BYTES)
        return [(_APP13, _PHOTOSHOP + data[at : at + _PART_BYTES]) for at in starts]
    marker, head = _HEADERS[block.kind]
    data, extension = block.data, block.extension
    more: list[Segment] = []
    if block.kind == "xmp" and extension:
        guid = hashlib.md5(extension, usedforsecurity=False).hexdigest().upper().encode()
        data = rename_extension(data, guid)
        more = [
            (marker, _EXTENSION + guid + struct.pack(">II", len(extension), at) + part)
            for at in range(0, len(extension), _PART_BYTES)
            if (part := extension[at : at + _PART_BYTES])
        ]
    if len(head) + len(data) > _MOST_BYTES:
        raise ValueError(f"its {block.kind.upper()} data is larger than a JPEG file can hold")
    return [(marker, head + data), *more]


def _read_coding(segments: list[Segment]) -> Coding:
    """Return quantisation tables, subsampling and kind of scans, as far as they are valid."""
    tables: dict[int, tuple[int, ...]] = {}
    for marker, body in segments:
        if marker == _TABLES:
            tables |= _read_tables(body)
    found = next(((marker, body) for marker, body in segments if marker in _FRAMES), None)
    if found is None:
        raise ValueError("its frame header is missing")
    marker, frame = found
    parts = [frame[6 + 3 * k : 9 + 3 * k] for k in range(frame[5])] if len(frame) > 5 else []
    if not parts or any(len(part) < 3 for part in parts):
        raise ValueError("its frame header is damaged")
    used: Tables = tuple(tables[part[2]] for part in parts if part[2] in tables)
    first, *others = [(part[1] >> 4, part[1] & 15) for part in parts]
    is_plain = all(other == (1, 1) for other in others)
    return Coding(
        tables=used if len(used) == len(parts) else (),
        subsampling=_SAMPLING.get(first, "") if is_plain else "",
        progressive=marker in _PROGRESSIVE,
    )


def _read_tables(body: bytes) -> dict[int, tuple[int, ...]]:
    tables: dict[int, tuple[int, ...]] = {}
    place = 0
    while place < len(body):
        wide, number = body[place] >> 4, body[place] & 15
        size = 128 if wide else 64
        raw = body[place + 1 : place + 1 + size]
        if len(raw) < size:
            raise ValueError("its quantisation tables are damaged")
        tables[number] = struct.unpack(">64H" if wide else ">64B", raw)
        place += 1 + size
    return tables
