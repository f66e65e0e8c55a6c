"""TIFF files without their pixels: metadata stays at its place, new strips fill the old ones' gaps.

Private directories and maker notes contain offsets into the file, so everything that is kept keeps
its place. The old strips become gaps, into which new strips are written as far as they fit; the
rest, and a new first directory, follow at the end.

Sources: TIFF 6.0 (Adobe, 1992), sections 2, 3, 4, 8, 14 (predictor), 18 (alpha); Adobe Photoshop
TIFF Technical Notes (2002): deflate, layers.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from kinoloom.base.arrays import Picture
from kinoloom.media.photo.editing.blocks import Block, Coding, Dpi, Kind
from kinoloom.media.photo.editing.tiff_structure import (
    BYTE,
    LONG,
    SHORT,
    UNDEFINED,
    Directory,
    Order,
    TiffStructure,
    Values,
)
from kinoloom.media.photo.metadata import ORIENTATION

_KINDS: dict[int, Kind] = {700: "xmp", 33723: "iptc", 34377: "photoshop"}
_TAGS = {kind: tag for tag, kind in _KINDS.items()}
_ICC, _LAYERS, _SUBFILES = 34675, 37724, 330
_SUBFILE, _WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC = 254, 256, 257, 258, 259, 262
_STARTS, _SAMPLES, _ROWS, _SIZES, _PLANAR, _PREDICTOR, _EXTRA = 273, 277, 278, 279, 284, 317, 338
_TILE_STARTS, _TILE_SIZES, _JPEG_START, _JPEG_SIZE = 324, 325, 513, 514
PIXEL_TAGS = frozenset(
    {
        *(_SUBFILE, 255, _WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, 263, 264, 265, 266),
        *(_STARTS, ORIENTATION, _SAMPLES, _ROWS, _SIZES, 280, 281, _PLANAR, *range(288, 294)),
        *(_PREDICTOR, *range(320, 324), _TILE_STARTS, _TILE_SIZES, _SUBFILES, 332, 333, 334, 336),
        *(_EXTRA, 339, 340, 341, 347, *range(512, 522), *range(529, 533), _LAYERS),
    }
)
"""Tags that describe how pixels are stored; with previews and Photoshop's layers."""
_DENSITY, _UNIT, _INCHES = (282, 283), 296, 2
_PER_INCH = {_INCHES: 1.0, 3: 2.54}
_COLOURS_AND_DPI = (_ICC, *_DENSITY, _UNIT, 301, 318, 319)
_RATIONAL = 5
_POINTERS = (0x8769, 0x8825)
"""Tags that point to the directories of EXIF and GPS."""
_BYTES = (BYTE, UNDEFINED)
_DEFLATE, _STRAIGHT_ALPHA, _DIFFERENCES = 8, 2, 2
_STRIP_BYTES = 1 << 18
_LEVEL = 4
"""Of compression: a third faster than 6, and 3 % larger."""
_MOST_BYTES = 1 << 32
_HEADS: dict[Order, bytes] = {"<": b"II*\0\0\0\0\0", ">": b"MM\0*\0\0\0\0"}


@dataclass(frozen=True)
class TiffSkeleton:
    """A TIFF file without its pixels; see `blocks.Skeleton`.

    Attributes:
        gaps: offset and bytes of each old strip or tile.
        blocks: first the file itself with empty strips, as an EXIF block; then others.
    """

    gaps: tuple[tuple[int, int], ...] = ()
    blocks: tuple[Block, ...] = ()
    coding: Coding = field(default_factory=Coding)
    remarks: tuple[str, ...] = ()

    @property
    def dpi(self) -> Dpi | None:
        """The resolution of the first directory; see `blocks.Skeleton`."""
        structure = TiffStructure(self.blocks[0].data)
        entries = structure.first.entries
        unit = structure.read_integers(entries[_UNIT])[0] if _UNIT in entries else _INCHES
        if unit not in _PER_INCH or any(t not in entries or entries[t].size < 8 for t in _DENSITY):
            return None
        pairs = [structure.unpack("II", entries[tag].start) for tag in _DENSITY]
        x, y = (a * _PER_INCH[unit] / b if b else 0.0 for a, b in pairs)
        return (x, y) if x and y else None

    def strip(self) -> TiffSkeleton:
        """Return a new skeleton with the colour profile and the resolution only."""
        structure = TiffStructure(self.blocks[0].data)
        values = structure.read_values(structure.first)
        kept = {tag: values[tag] for tag in _COLOURS_AND_DPI if tag in values}
        return create_tiff(kept, order=structure.order, coding=self.coding)

    def assemble(
        self, encoded: bytes, edited: Sequence[Block | None], added: Sequence[Block]
    ) -> bytes:
        """Return a file of new pixels with the tags of this one; see `blocks.Skeleton`.

        Args:
            encoded: the pixels, from `encode_tiff` in the same byte order.
            edited, added: see `blocks.Skeleton`.

        Raises:
            ValueError: the file would be larger than 4 GiB.
        """
        base, gaps = edited[0], self.gaps
        if base is None:  # damaged: what remains is moved, so that none of its bytes do
            base, gaps = self._without_exif(), ()
        structure = TiffStructure(base.data)
        first = structure.first
        changed = [*zip(self.blocks[1:], edited[1:], strict=True), *((one, one) for one in added)]
        values = {t: v for t, v in structure.read_values(first).items() if t not in PIXEL_TAGS}
        places = {tag: first.entries[tag].start for tag in values}
        for old, new in changed:
            tag = _TAGS.get(old.kind)
            if old != new or old in added:
                if tag is None:
                    raise ValueError(f"a TIFF file has no place for further {old.kind} data")
                _replace(structure, first, tag, new, values, places)
        source = TiffStructure(encoded)
        form = source.read_values(source.first)
        strips = list(_read_strips(source))
        starts = list(_place_strips(structure, strips, gaps))
        form[_STARTS] = (
            LONG,
            len(starts),
            struct.pack(f"{structure.order}{len(starts)}I", *starts),
        )
        for tag in set(first.entries) & PIXEL_TAGS:
            structure.wipe_values(first.entries[tag])
        structure.wipe(first.offset, first.end - first.offset)
        offset = structure.append_directory(values | form, places)
        if len(structure.data) >= _MOST_BYTES:
            raise ValueError("a TIFF file cannot be larger than 4 GiB")
        structure.write("I", 4, offset)
        return bytes(structure.data)

    def _without_exif(self) -> Block:
        """Return the file with only the values of its first directory, without EXIF and GPS."""
        structure = TiffStructure(self.blocks[0].data)
        values = structure.read_values(structure.first)
        kept = {t: v for t, v in values.items() if t not in (*PIXEL_TAGS, *_POINTERS)}
        return create_tiff(kept, order=structure.order).blocks[0]


def read_tiff(data: bytes) -> TiffSkeleton:
    """Return a TIFF file without its pixels.

    Raises:
        ValueError: its first directory is damaged.
    """
    structure = TiffStructure(data)
    first = structure.first
    values = structure.read_values(first)
    remarks = []
    if first.next_offset or _SUBFILES in values:
        remarks.append("its previews were dropped, because they show the old picture")
    if _LAYERS in values:
        remarks.append("its Photoshop layers were dropped")
    for preview in _list_previews(structure, first):
        for start, size in _list_strips(structure, preview):
            structure.wipe(start, size)
        structure.wipe_directory(preview)
    structure.set_next(first, 0)
    gaps = tuple(_list_strips(structure, first))
    for start, size in gaps:
        structure.wipe(start, size)
    blocks = [Block("exif", bytes(structure.data))]
    blocks += [Block(kind, values[tag][2]) for tag, kind in _KINDS.items() if tag in values]
    bits = structure.read_integers(first.entries[_BITS])[0] if _BITS in first.entries else 1
    coding = Coding(bits=max(8, bits), order=structure.order)
    return TiffSkeleton(gaps, tuple(blocks), coding, tuple(remarks))


def count_pages(data: bytes) -> int:
    """Return the number of pages of a TIFF file; previews and thumbnails are not pages."""
    pages = 0
    with suppress(ValueError):
        structure = TiffStructure(data)
        for directory in _follow_chain(structure, structure.first):
            kind = directory.entries.get(_SUBFILE)
            is_reduced = kind is not None and structure.read_integers(kind)[0] & 1
            pages += _WIDTH in directory.entries and not is_reduced
    return pages


def create_tiff(
    values: Mapping[int, Values], *, order: Order = "<", coding: Coding | None = None
) -> TiffSkeleton:
    """Return the skeleton of a new file with tags."""
    structure = TiffStructure(_HEADS[order])
    upright = (SHORT, 1, struct.pack(order + "H", 1))
    offset = structure.append_directory({ORIENTATION: upright, **values}, {})
    structure.write("I", 4, offset)
    block = Block("exif", bytes(structure.data))
    return TiffSkeleton(blocks=(block,), coding=coding or Coding(order=order))


def adopt_exif(exif: bytes, icc: bytes, dpi: Dpi | None) -> TiffSkeleton:
    """Return the skeleton of a new file with the EXIF data of another format, at its place.

    Args:
        exif: a TIFF structure; b"" for none.
        icc: the colour profile; b"" for none.
        dpi: the resolution, for data without one.

    Raises:
        ValueError: the EXIF data is damaged.
    """
    structure = TiffStructure(exif or _HEADS["<"])
    first = structure.first if exif else Directory(0, 0, {}, 0)
    values = structure.read_values(first)
    values |= {_ICC: (UNDEFINED, len(icc), icc)} if icc else {}
    if dpi is not None and not any(tag in values for tag in _DENSITY):
        for tag, value in zip(_DENSITY, dpi, strict=True):
            number = struct.pack(structure.order + "II", round(value * 1000), 1000)
            values[tag] = (_RATIONAL, 1, number)
        values[_UNIT] = (SHORT, 1, struct.pack(structure.order + "H", _INCHES))
    if not exif:
        return create_tiff(values)
    places = {tag: entry.start for tag, entry in first.entries.items()}
    structure.write("I", 4, structure.append_directory(values, places))
    block = Block("exif", bytes(structure.data))
    return TiffSkeleton(blocks=(block,), coding=Coding(order=structure.order))


def extract_exif(skeleton: TiffSkeleton) -> bytes:
    """Return a compact EXIF block with the tags of a TIFF file that describe the picture.

    Maker notes are copied, but what they refer to by offsets is not.
    """
    source = TiffStructure(skeleton.blocks[0].data)
    target = TiffStructure(_HEADS[source.order])
    first = source.first
    gone = PIXEL_TAGS | set(_KINDS) | {_ICC}
    values = {tag: one for tag, one in source.read_values(first).items() if tag not in gone}
    for tag in _POINTERS:
        with suppress(ValueError):
            if (inner := source.follow(first, tag)) is not None:
                place = target.append_directory(source.read_values(inner), {})
                values[tag] = (LONG, 1, struct.pack(source.order + "I", place))
    if not values:
        return b""
    target.write("I", 4, target.append_directory(values, {}))
    return bytes(target.data)


def encode_tiff(samples: Picture, order: Order = "<") -> bytes:
    """Encode samples exactly: deflate with differences, in strips.

    Args:
        samples: (H, W, C) uint8 or uint16: grey, grey and alpha, RGB or RGBA for 1 to 4 channels.
        order: byte order of the file, as `struct` spells it.
    """
    height, width, channels = samples.shape
    rows = max(1, _STRIP_BYTES // (width * channels * samples.dtype.itemsize))
    structure = TiffStructure(_HEADS[order])
    starts, sizes = [], []
    for top in range(0, height, rows):
        strip = zlib.compress(_differentiate(samples[top : top + rows], order), _LEVEL)
        starts.append(structure.append(strip))
        sizes.append(len(strip))
    shorts = {
        _COMPRESSION: [_DEFLATE],
        _BITS: [8 * samples.dtype.itemsize] * channels,
        _PHOTOMETRIC: [1 if channels < 3 else 2],
        _SAMPLES: [channels],
        _PLANAR: [1],
        _PREDICTOR: [_DIFFERENCES],
        ORIENTATION: [1],
    }
    if channels in (2, 4):
        shorts[_EXTRA] = [_STRAIGHT_ALPHA]
    longs = {_WIDTH: [width], _HEIGHT: [height], _ROWS: [rows], _STARTS: starts, _SIZES: sizes}
    values: dict[int, Values] = {}
    for kind, letter, table in ((SHORT, "H", shorts), (LONG, "I", longs)):
        for tag, numbers in table.items():
            packed = struct.pack(f"{order}{len(numbers)}{letter}", *numbers)
            values[tag] = (kind, len(numbers), packed)
    structure.write("I", 4, structure.append_directory(values, {}))
    return bytes(structure.data)


def _differentiate(strip: Picture, order: Order) -> bytes:
    """Return the strip with each sample as its difference from the one to its left."""
    changed = strip.copy()
    changed[:, 1:] -= strip[:, :-1]
    return changed.astype(strip.dtype.newbyteorder(order)).tobytes()


def _replace(
    structure: TiffStructure,
    first: Directory,
    tag: int,
    block: Block | None,
    values: dict[int, Values],
    places: dict[int, int],
) -> None:
    """Replace the value of a tag, at its place if it fits, or remove it.

    The old value is overwritten, with zeros where the new one is shorter.
    """
    entry = first.entries.get(tag)
    if entry is not None:
        structure.wipe_values(entry)
    old = values.pop(tag, None)
    places.pop(tag, None)
    if block is not None:
        if entry is not None and 4 < len(block.data) <= entry.size:
            structure.data[entry.start : entry.start + len(block.data)] = block.data
            places[tag] = entry.start
        kind = old[0] if old is not None and old[0] in _BYTES else UNDEFINED
        values[tag] = (kind, len(block.data), block.data)


def _follow_chain(structure: TiffStructure, first: Directory) -> Iterator[Directory]:
    """Yield a directory and those that follow it.

    Raises:
        ValueError: one is damaged, or they form a circle.
    """
    seen = set()
    directory = first
    while True:
        if directory.offset in seen:
            raise ValueError("its directories form a circle")
        seen.add(directory.offset)
        yield directory
        if not directory.next_offset:
            return
        directory = structure.read_directory(directory.next_offset)


def _list_previews(structure: TiffStructure, first: Directory) -> list[Directory]:
    """Return the other directories with pixels; those that are damaged are omitted."""
    found: list[Directory] = []
    with suppress(ValueError):
        found += list(_follow_chain(structure, first))[1:]
    with suppress(ValueError, KeyError):
        offsets = structure.read_integers(first.entries[_SUBFILES])
        found += [structure.read_directory(offset) for offset in offsets]
    return found


def _list_strips(structure: TiffStructure, directory: Directory) -> Iterator[tuple[int, int]]:
    """Yield offset and bytes of the strips or tiles of a directory, or of its JPEG thumbnail."""
    pairs = (_STARTS, _SIZES), (_TILE_STARTS, _TILE_SIZES), (_JPEG_START, _JPEG_SIZE)
    for starts, sizes in pairs:
        if starts in directory.entries and sizes in directory.entries:
            pair = (structure.read_integers(directory.entries[tag]) for tag in (starts, sizes))
            yield from zip(*pair, strict=False)


def _read_strips(structure: TiffStructure) -> Iterator[bytes]:
    for start, size in _list_strips(structure, structure.first):
        yield bytes(structure.data[start : start + size])


def _place_strips(
    structure: TiffStructure, strips: Sequence[bytes], gaps: Sequence[tuple[int, int]]
) -> Iterator[int]:
    """Write strips into gaps as far as they fit, the others at the end; yield their offsets."""
    free = _merge(gaps, len(structure.data))
    for strip in strips:
        found = next((k for k, (_, size) in enumerate(free) if size >= len(strip)), None)
        if found is None:
            yield structure.append(strip)
            continue
        start, size = free[found]
        structure.data[start : start + len(strip)] = strip
        used = len(strip) + len(strip) % 2
        free[found] = (start + used, size - used)
        yield start


def _merge(gaps: Sequence[tuple[int, int]], end: int) -> list[tuple[int, int]]:
    """Return gaps in order, adjacent ones as one, each at an even offset."""
    merged: list[tuple[int, int]] = []
    for start, size in sorted(gaps):
        if start < 8 or start + size > end:
            continue
        if merged and start <= sum(merged[-1]) + 1:
            merged[-1] = (merged[-1][0], max(sum(merged[-1]), start + size) - merged[-1][0])
        else:
            merged.append((start, size))
    return [(start + start % 2, size - start % 2) for start, size in merged]
