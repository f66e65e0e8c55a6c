"""Photo files with every kind of metadata, for tests."""

from __future__ import annotations

import hashlib
import io
import struct
import zlib
from pathlib import Path
from typing import Any

import photo_files as make
from PIL import Image

from kinoloom.media.photo.editing.tiff_structure import LONG, SHORT, TiffStructure, Values

ASCII, RATIONAL, UNDEFINED = 2, 5, 7
MAKER_NOTE = b"Maker\0" + bytes(range(256)) * 2
THUMBNAIL_SIDE = 48
CITY = b"Springfield"

XMP = (
    b"""<?xpacket begin="\xef\xbb\xbf" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="test">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about=""
    xmlns:tiff="http://ns.adobe.com/tiff/1.0/"
    xmlns:e="http://ns.adobe.com/exif/1.0/"
    xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/"
    xmlns:drone="http://www.example.com/drone/"
    tiff:Orientation="6" tiff:ImageWidth='32'
    e:GPSLatitude="48,51.5N" photoshop:City="Springfield" photoshop:Credit="A &amp; B"
    drone:GpsLongitude="+2.29">
   <e:PixelXDimension>32</e:PixelXDimension>
   <e:GPSLongitude>2,17.7E</e:GPSLongitude>
   <dc:title xmlns:dc="http://purl.org/dc/elements/1.1/"><rdf:Alt>
    <rdf:li xml:lang="x-default">T\xc3\xaftle &lt;1&gt;</rdf:li></rdf:Alt></dc:title>
   <iptcExt:LocationShown xmlns:iptcExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"><rdf:Bag>
    <rdf:li iptcExt:City="Springfield"/></rdf:Bag></iptcExt:LocationShown>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
"""
    + b" " * 2000
    + b'\n<?xpacket end="w"?>'
)


def thumbnail() -> bytes:
    """Return a small JPEG file."""
    out = io.BytesIO()
    image = Image.fromarray(make.picture(THUMBNAIL_SIDE * 3 // 4, THUMBNAIL_SIDE))
    image.save(out, "JPEG", quality=95)
    return out.getvalue()


def exif(order: str = "<", orientation: int = 6, *, gps: bool = True) -> bytes:
    """Return an EXIF block with a maker note, a position and a thumbnail."""
    block = TiffStructure(b"II*\0\0\0\0\0" if order == "<" else b"MM\0*\0\0\0\0")

    def short(value: int) -> Values:
        return SHORT, 1, struct.pack(order + "H", value)

    def long(value: int) -> Values:
        return LONG, 1, struct.pack(order + "I", value)

    note = block.append(MAKER_NOTE)
    inner = block.append_directory(
        {
            0x9003: (ASCII, 20, b"2020:01:02 03:04:05\0"),
            0x927C: (UNDEFINED, len(MAKER_NOTE), MAKER_NOTE),
            0xA002: short(32),
            0xA003: short(24),
        },
        {0x927C: note},
    )
    degrees = struct.pack(order + "6I", 48, 1, 51, 1, 123456, 1000)
    values = {
        0x010F: (ASCII, 8, b"Kameras\0"),
        0x0112: short(orientation),
        0x011A: (RATIONAL, 1, struct.pack(order + "2I", 300, 1)),
        0x8769: long(inner),
    }
    if gps:
        place = block.append_directory({1: (ASCII, 2, b"N\0"), 2: (RATIONAL, 3, degrees)}, {})
        values[0x8825] = long(place)
    first = block.append_directory(values, {})
    block.write("I", 4, first)
    small = thumbnail()
    second = block.append_directory(
        {0x0103: short(6), 0x0201: long(0), 0x0202: long(len(small))}, {}
    )
    block.set_next(block.first, second)
    start = block.append(small)
    block.set_integer(block.read_directory(second).entries[0x0201], start)
    return bytes(block.data)


def data_set(number: int, content: bytes) -> bytes:
    """Return an IIM data set of record 2."""
    return b"\x1c\x02" + bytes([number]) + struct.pack(">H", len(content)) + content


def iim() -> bytes:
    """Return IIM data sets: a title, a keyword, a city and a country."""
    parts = {5: b"Title", 25: b"keyword", 90: CITY, 101: b"Nowhere"}
    return b"".join(data_set(number, content) for number, content in parts.items())


def resource(number: int, content: bytes, name: bytes = b"") -> bytes:
    """Return a Photoshop resource."""
    label = bytes([len(name)]) + name
    label += bytes(len(label) % 2)
    size = struct.pack(">I", len(content))
    return b"8BIM" + struct.pack(">H", number) + label + size + content + bytes(len(content) % 2)


def resources() -> bytes:
    """Return Photoshop's resources: resolution, IPTC with its digest, and an unknown one."""
    digest = hashlib.md5(iim()).digest()
    parts = ((0x03ED, bytes(16), b""), (0x0404, iim(), b""), (0x0425, digest, b""))
    return b"".join(resource(*part) for part in parts) + resource(0x0FA0, b"odd", b"plug-in")


def segment(marker: int, content: bytes) -> bytes:
    """Return a segment of a JPEG file."""
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


def jpeg(image: Any, *segments: bytes, **options: Any) -> bytes:
    """Return a JPEG file with further segments behind JFIF."""
    out = io.BytesIO()
    Image.fromarray(image).save(out, "JPEG", **{"quality": 83, "dpi": (300, 300), **options})
    data = out.getvalue()
    end = 4 + int.from_bytes(data[4:6], "big")
    return data[:end] + b"".join(segments) + data[end:]


def split_jpeg(data: bytes) -> list[tuple[int, bytes]]:
    """Return the segments of a JPEG file before its pixels."""
    found = []
    place = 2
    while data[place + 1] != 0xDA:
        size = int.from_bytes(data[place + 2 : place + 4], "big")
        found.append((data[place + 1], data[place + 4 : place + 2 + size]))
        place += 2 + size
    return found


def icc_segments(profile: bytes) -> list[bytes]:
    """Return a colour profile in two segments."""
    half = len(profile) // 2
    parts = (profile[:half], profile[half:])
    return [segment(0xE2, b"ICC_PROFILE\0" + bytes([k, 2]) + p) for k, p in enumerate(parts, 1)]


EXIF_HEAD, XMP_HEAD = b"Exif\0\0", b"http://ns.adobe.com/xap/1.0/\0"
PHOTOSHOP_HEAD = b"Photoshop 3.0\0"


def tagged_jpeg(path: Path, image: Any, **options: Any) -> Path:
    """Write a JPEG file with EXIF, XMP, IPTC, a profile, a comment and unknown segments."""
    parts = [
        segment(0xE1, EXIF_HEAD + exif()),
        segment(0xE1, XMP_HEAD + XMP),
        segment(0xED, PHOTOSHOP_HEAD + resources()),
        *icc_segments(make.P3_ICC),
        segment(0xEC, b"Ducky\0\1\0\4\0\0\0\x50\0\0"),
        segment(0xE7, b"unknown maker data"),
        segment(0xFE, b"a comment"),
    ]
    path.write_bytes(jpeg(image, *parts, **options))
    return path


PRIVATE = b"private data" * 20


def tagged_tiff(path: Path, image: Any, order: str = "<", rows: int = 5) -> Path:
    """Write an uncompressed TIFF file with EXIF before, and all other tags after its strips.

    Args:
        path: the file.
        image: (H, W) or (H, W, 3) uint8 or uint16.
        order: byte order, as `struct` spells it.
        rows: in a strip.
    """
    block = TiffStructure(exif(order))
    values = block.read_values(block.first)
    places = {tag: entry.start for tag, entry in block.first.entries.items()}
    thumbnail_offset = block.first.next_offset
    stored = image.astype(image.dtype.newbyteorder(order))
    strips = [stored[top : top + rows].tobytes() for top in range(0, len(image), rows)]
    starts = [block.append(strip) for strip in strips]
    channels = 1 if image.ndim == 2 else image.shape[2]
    numbers = {
        (SHORT, "H"): {
            258: [8 * image.dtype.itemsize] * channels,
            259: [1],
            262: [2 if channels == 3 else 1],
            277: [channels],
        },
        (LONG, "I"): {
            256: [image.shape[1]],
            257: [image.shape[0]],
            273: starts,
            278: [rows],
            279: [len(strip) for strip in strips],
        },
    }
    for (kind, letter), table in numbers.items():
        for tag, items in table.items():
            values[tag] = (kind, len(items), struct.pack(f"{order}{len(items)}{letter}", *items))
    blocks = {700: XMP, 33723: iim(), 34377: resources(), 34675: make.P3_ICC, 65000: PRIVATE}
    values |= {tag: (UNDEFINED, len(content), content) for tag, content in blocks.items()}
    first = block.append_directory(values, places)
    block.write("I", 4, first)
    block.set_next(block.first, thumbnail_offset)
    path.write_bytes(bytes(block.data))
    return path


def raw_profile(name: bytes, content: bytes) -> bytes:
    """Return ImageMagick's text of a block, as the content of a zTXt chunk."""
    digits = content.hex()
    lines = "\n".join(digits[at : at + 72] for at in range(0, len(digits), 72))
    text = f"\n{name.decode()}\n{len(content):8d}\n{lines}\n"
    return b"Raw profile type " + name + b"\0\0" + zlib.compress(text.encode())


def png_chunks() -> list[tuple[bytes, bytes]]:
    """Return chunks of every kind of metadata that stand before the pixels."""
    return [
        (b"iCCP", make.iccp(make.P3_ICC)),
        (b"pHYs", struct.pack(">IIB", 11811, 11811, 1)),
        (b"eXIf", exif(">")),
        (b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP),
        (b"zTXt", raw_profile(b"iptc", resources())),
        (b"tEXt", b"Comment\0a text"),
        (b"tEXt", b"exif:GPSLatitude\x0048/1, 51/1"),
        (b"prVt", b"private and safe to copy"),
    ]


def split_png(data: bytes) -> list[tuple[bytes, bytes]]:
    """Return the chunks of a PNG file."""
    found = []
    place = 8
    while place < len(data):
        size = int.from_bytes(data[place : place + 4], "big")
        found.append((data[place + 4 : place + 8], data[place + 8 : place + 8 + size]))
        place += 12 + size
    return found
