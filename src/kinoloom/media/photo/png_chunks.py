"""The chunks of a PNG file, checked; what Pillow and OpenCV do not tell, or stumble over.

Source: Portable Network Graphics (PNG) Specification, third edition, W3C, 2025.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_COLOUR = (b"PLTE", b"tRNS")
_MOST_PROFILE_BYTES = 1 << 24
_UNTAGGED = 2


@dataclass(frozen=True)
class Png:
    """A whole PNG file taken apart.

    Attributes:
        width, height: in pixels.
        bits: of a sample: 1, 2, 4, 8 or 16.
        grey: whether it holds brightness only.
        pixels: a PNG file of the pixels and nothing else.
        icc: the embedded colour profile; b"" for none.
        exif: the EXIF block, a TIFF structure; b"" for none.
        primaries, transfer: H.273 code points of the colours; 2 where the file tells none.
        key: the bytes of the colour that is transparent (tRNS); b"" for none.
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
    """Whether a PNG file announces more than one frame before its first pixels."""
    head = data[: data.find(b"IDAT")]
    at = head.find(b"acTL")
    return at >= 0 and int.from_bytes(head[at + 4 : at + 8], "big") > 1


def read_png(data: bytes) -> Png:
    """Take a PNG file apart.

    Args:
        data: the whole file.

    Raises:
        ValueError: it is cut off, or a chunk that the pixels need is damaged.
    """
    chunks = _chunks(data)
    first = chunks[0]
    if first[0] != b"IHDR" or len(first[1]) != 13:
        raise ValueError("its header is missing")
    width, height, bits, colour = struct.unpack(">IIBB", first[1][:10])
    needed = [chunk for chunk in chunks if _is_critical(chunk[0]) or chunk[0] in _COLOUR]
    by_name = dict(reversed(chunks))
    told = by_name.get(b"cICP", b"")
    primaries, transfer = told[:2] if len(told) == 4 else (_UNTAGGED, _UNTAGGED)
    return Png(
        width=width,
        height=height,
        bits=bits,
        grey=colour in (0, 4),
        pixels=SIGNATURE + b"".join(_packed(*chunk) for chunk in needed),
        icc=_profile(by_name.get(b"iCCP", b"")),
        exif=by_name.get(b"eXIf", b""),
        primaries=primaries,
        transfer=transfer,
        key=by_name.get(b"tRNS", b""),
        text=_texts(chunks),
    )


def _chunks(data: bytes) -> list[tuple[bytes, bytes]]:
    """Names and contents of all chunks up to IEND."""
    found: list[tuple[bytes, bytes]] = []
    place = len(SIGNATURE)
    while not found or found[-1][0] != b"IEND":
        if place + 12 > len(data):
            raise ValueError("it is cut off")
        size = int.from_bytes(data[place : place + 4], "big")
        name, content = data[place + 4 : place + 8], data[place + 8 : place + 8 + size]
        checksum = data[place + 8 + size : place + 12 + size]
        if len(checksum) < 4:
            raise ValueError("it is cut off")
        if _is_critical(name) and int.from_bytes(checksum, "big") != zlib.crc32(name + content):
            raise ValueError(f"its {name.decode('latin-1')} chunk is damaged")
        found.append((name, content))
        place += 12 + size
    return found


def _is_critical(name: bytes) -> bool:
    return name[:1].isupper()


def _packed(name: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(name + content).to_bytes(4, "big")
    return len(content).to_bytes(4, "big") + name + content + checksum


def _profile(chunk: bytes) -> bytes:
    """The profile of an iCCP chunk; what cannot be unpacked is handed on, to be refused as ICC."""
    _, _, packed = chunk.partition(b"\0")
    try:
        return zlib.decompressobj().decompress(packed[1:], _MOST_PROFILE_BYTES)
    except zlib.error:
        return packed


def _texts(chunks: list[tuple[bytes, bytes]]) -> dict[str, str]:
    pairs = (content.partition(b"\0") for name, content in chunks if name == b"tEXt")
    return {key.decode("latin-1"): value.decode("latin-1") for key, _, value in pairs}
