"""WebP files without their pixels.

Source: WebP container specification (RFC 9649, 2).
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field

from kinoloom.media.photo.editing.blocks import Block, Coding, Dpi, Kind

Chunk = tuple[bytes, bytes]

_KINDS: dict[bytes, Kind] = {b"EXIF": "exif", b"XMP ": "xmp"}
_NAMES = {kind: name for name, kind in _KINDS.items()}
_EXIF_HEAD = b"Exif\0\0"
_PIXELS = (b"VP8 ", b"VP8L", b"ALPH")
_HEADER, _ICC = b"VP8X", b"ICCP"
_ICC_FLAG, _ALPHA_FLAG, _EXIF_FLAG, _XMP_FLAG = 0x20, 0x10, 0x08, 0x04


@dataclass(frozen=True)
class WebpSkeleton:
    """A WebP file without its pixels; see `blocks.Skeleton`.

    Attributes:
        chunks: all but those of the header and the pixels, in order.
        places: the index in `chunks` of each of `blocks`.
    """

    chunks: tuple[Chunk, ...] = ()
    blocks: tuple[Block, ...] = ()
    places: tuple[int, ...] = ()
    coding: Coding = field(default_factory=Coding)
    remarks: tuple[str, ...] = ()

    @property
    def dpi(self) -> Dpi | None:
        """None: WebP files have a resolution only in EXIF data."""
        return None

    def strip(self) -> WebpSkeleton:
        """Return the skeleton with the colour profile only."""
        kept = tuple(one for one in self.chunks if one[0] == _ICC)
        return WebpSkeleton(kept, coding=self.coding)

    def assemble(
        self, encoded: bytes, edited: Sequence[Block | None], added: Sequence[Block]
    ) -> bytes:
        """Return a file of new pixels with the chunks of this one; see `blocks.Skeleton`.

        Raises:
            ValueError: a block of a kind that WebP does not store.
        """
        chunks: list[Chunk] = list(self.chunks)
        for k, place in enumerate(self.places):
            if edited[k] != self.blocks[k]:
                chunks[place] = _write_block(edited[k])
        chunks = [one for one in [*chunks, *map(_write_block, added)] if one[0]]
        pixels = [one for one in _split(encoded) if one[0] in _PIXELS]
        profile = [one for one in chunks if one[0] == _ICC]
        others = [one for one in chunks if one[0] != _ICC]
        if chunks or len(pixels) > 1:
            header = _write_header(encoded, pixels, {name for name, _ in chunks})
            pixels = [header, *profile, *pixels, *others]
        body = b"WEBP" + b"".join(map(_pack, pixels))
        return b"RIFF" + struct.pack("<I", len(body)) + body


def read_webp(data: bytes) -> WebpSkeleton:
    """Return a WebP file without its pixels.

    Raises:
        ValueError: the file is truncated.
    """
    chunks = _split(data)
    names = {name for name, _ in chunks}
    kept = tuple(one for one in chunks if one[0] not in (*_PIXELS, _HEADER))
    found = [(k, name, content) for k, (name, content) in enumerate(kept) if name in _KINDS]
    return WebpSkeleton(
        chunks=kept,
        blocks=tuple(Block(_KINDS[n], _trim(n, content)) for _, n, content in found),
        places=tuple(k for k, _, _ in found),
        coding=Coding(lossless=b"VP8L" in names),
    )


def create_webp(icc: bytes, _: Dpi | None) -> WebpSkeleton:
    """Return the skeleton of a new file with a colour profile (b"" for none)."""
    return WebpSkeleton(((_ICC, icc),) if icc else ())


def _trim(name: bytes, content: bytes) -> bytes:
    return content.removeprefix(_EXIF_HEAD) if _KINDS[name] == "exif" else content


def _split(data: bytes) -> list[Chunk]:
    if data[:4] != b"RIFF" or data[8:12] != b"WEBP":
        raise ValueError("its RIFF header is damaged")
    end = min(len(data), 8 + int.from_bytes(data[4:8], "little"))
    chunks = []
    place = 12
    while place + 8 <= end:
        size = int.from_bytes(data[place + 4 : place + 8], "little")
        content = data[place + 8 : place + 8 + size]
        if len(content) < size:
            raise ValueError("it is truncated")
        chunks.append((data[place : place + 4], content))
        place += 8 + size + size % 2
    return chunks


def _write_block(block: Block | None) -> Chunk:
    if block is None:
        return b"", b""
    if block.kind not in _NAMES:
        raise ValueError(f"a WebP file has no place for {block.kind} data")
    return _NAMES[block.kind], block.data


def _write_header(encoded: bytes, pixels: list[Chunk], names: set[bytes]) -> Chunk:
    """Return the VP8X chunk, with the size and alpha of the encoded pixels."""
    width, height, has_alpha = _read_form(pixels)
    old = next((content for name, content in _split(encoded) if name == _HEADER), b"")
    flags = _ALPHA_FLAG if has_alpha or (old and old[0] & _ALPHA_FLAG) else 0
    for name, flag in ((_ICC, _ICC_FLAG), (b"EXIF", _EXIF_FLAG), (b"XMP ", _XMP_FLAG)):
        flags |= flag if name in names else 0
    sizes = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return _HEADER, bytes([flags, 0, 0, 0]) + sizes


def _read_form(pixels: list[Chunk]) -> tuple[int, int, bool]:
    """Return width, height and whether there is alpha."""
    for name, content in pixels:
        if name == b"VP8L":
            (head,) = struct.unpack("<I", content[1:5])
            return (head & 0x3FFF) + 1, (head >> 14 & 0x3FFF) + 1, bool(head >> 28 & 1)
        if name == b"VP8 ":
            width, height = struct.unpack("<HH", content[6:10])
            return width & 0x3FFF, height & 0x3FFF, any(n == b"ALPH" for n, _ in pixels)
    raise ValueError("its pixels are missing")


def _pack(chunk: Chunk) -> bytes:
    name, content = chunk
    return name + struct.pack("<I", len(content)) + content + bytes(len(content) % 2)
