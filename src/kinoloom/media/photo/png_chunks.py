"""Parse and check the chunks of a PNG file, beyond what Pillow and OpenCV report or accept.

Source: Portable Network Graphics (PNG) Specification, third edition, W3C, 2025.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_COLOUR = (b"PLTE", b"tRNS")
_MAX_PROFILE_BYTES = 1 << 24
_UNTAGGED = 2


@dataclass(frozen=True)
class Png:
    """The parts of a PNG file.

    Attributes:
        width, height: in pixels.
        bits: per sample: 1, 2, 4, 8 or 16.
        grey: whether the pixels are grey.
        pixels: a PNG file with the pixels only.
        icc: the embedded colour profile; b"" for none.
        exif: the EXIF block, a TIFF structure; b"" for none.
        primaries, transfer: H.273 code points of the colours; 2 if unspecified.
        key: the transparent colour (tRNS), as bytes; b"" for none.
        text: short Latin-1 texts by keyword.
    """

    width: int
    height: int
    bits: int
    grey: bool
    pixels: bytes
    icc: bytes
    exif: bytes
    primaries: int
    transfer: int
    key: bytes
    text: dict[str, str]


def has_frames(data: bytes) -> bool:
    """Whether a PNG file declares more than one frame before its first pixels."""
    head = data[: data.find(b"IDAT")]
    at = head.find(b"acTL")
    return at >= 0 and int.from_bytes(head[at + 4 : at + 8], "big") > 1


def read_png(data: bytes) -> Png:
    """Parse a PNG file.

    Args:
        data: the whole file.

    Raises:
        ValueError: the file is truncated, or a chunk that the pixels depend on is damaged.
    """
    chunks = split_chunks(data)
    first = chunks[0]
    if first[0] != b"IHDR" or len(first[1]) != 13:
        raise ValueError("its header is missing")
    width, height, bits, color = struct.unpack(">IIBB", first[1][:10])
    needed = [chunk for chunk in chunks if _is_critical(chunk[0]) or chunk[0] in _COLOUR]
    by_name = dict(reversed(chunks))
    cicp = by_name.get(b"cICP", b"")
    primaries, transfer = cicp[:2] if len(cicp) == 4 else (_UNTAGGED, _UNTAGGED)
    return Png(
        width=width,
        height=height,
        bits=bits,
        grey=color in (0, 4),
        pixels=SIGNATURE + b"".join(pack_chunk(*chunk) for chunk in needed),
        icc=_unpack_profile(by_name.get(b"iCCP", b"")),
        exif=by_name.get(b"eXIf", b""),
        primaries=primaries,
        transfer=transfer,
        key=by_name.get(b"tRNS", b""),
        text=_decode_texts(chunks),
    )


def split_chunks(data: bytes) -> list[tuple[bytes, bytes]]:
    """Return names and contents of all chunks up to IEND.

    Args:
        data: a PNG file.

    Raises:
        ValueError: the file is truncated, or a critical chunk is damaged.
    """
    found: list[tuple[bytes, bytes]] = []
    place = len(SIGNATURE)
    while not found or found[-1][0] != b"IEND":
        if place + 12 > len(data):
            raise ValueError("it is truncated")
        size = int.from_bytes(data[place : place + 4], "big")
        name, content = data[place + 4 : place + 8], data[place + 8 : place + 8 + size]
        checksum = data[place + 8 + size : place + 12 + size]
        if len(checksum) < 4:
            raise ValueError("it is truncated")
        if _is_critical(name) and int.from_bytes(checksum, "big") != zlib.crc32(name + content):
            raise ValueError(f"its {name.decode('latin-1')} chunk is damaged")
        found.append((name, content))
        place += 12 + size
    return found


def _is_critical(name: bytes) -> bool:
    return name[:1].isupper()


def pack_chunk(name: bytes, content: bytes) -> bytes:
    """Return a chunk with its length and checksum."""
    checksum = zlib.crc32(name + content).to_bytes(4, "big")
    return len(content).to_bytes(4, "big") + name + content + checksum


def _unpack_profile(chunk: bytes) -> bytes:
    """Return the profile of an iCCP chunk; one that cannot be unpacked is rejected later."""
    _, _, packed = chunk.partition(b"\0")
    try:
        return zlib.decompressobj().decompress(packed[1:], _MAX_PROFILE_BYTES)
    except zlib.error:
        return packed


def _decode_texts(chunks: list[tuple[bytes, bytes]]) -> dict[str, str]:
    pairs = (content.partition(b"\0") for name, content in chunks if name == b"tEXt")
    return {key.decode("latin-1"): value.decode("latin-1") for key, _, value in pairs}
