"""Real photo files for tests."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

Array = NDArray[Any]
SRGB_ICC = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
P3_COLUMNS = (
    (0.51512146, 0.24119568, -0.00105286),
    (0.29197693, 0.69224548, 0.04188538),
    (0.15710449, 0.06657410, 0.78407288),
)
"""Red, green and blue of Display P3 in XYZ relative to D50 (as Apple's profile holds them)."""


def picture(height: int = 24, width: int = 32) -> Array:
    """Return a smooth uint8 RGB picture whose rotations and mirrors all differ."""
    y, x = np.mgrid[0:height, 0:width]
    ramps = [255 * x / (width - 1), 255 * y / (height - 1), 127 + 60 * x / width - 60 * y / height]
    return np.stack(ramps, axis=2).astype(np.uint8)


def deep_picture(height: int = 24, width: int = 32) -> Array:
    """Return the same as uint16, with values that 8 bits cannot represent."""
    y, x = np.mgrid[0:height, 0:width]
    return (picture(height, width).astype(np.uint16) * 257) ^ (x + 7 * y)[..., None].astype(
        np.uint16
    )


def save(path: Path, image: Array, **options: Any) -> Path:
    """Write 8 bits with Pillow, in the format of the suffix."""
    Image.fromarray(image).save(path, **options)
    return path


def save_deep(path: Path, image: Array, *options: int) -> Path:
    """Write RGB or RGBA uint16 with OpenCV."""
    order = [2, 1, 0, 3][: image.shape[2]]
    _, data = cv2.imencode(path.suffix, np.ascontiguousarray(image[..., order]), list(options))
    path.write_bytes(data.tobytes())
    return path


def save_deep_tiff(path: Path, image: Array, tags: dict[int, int | bytes]) -> Path:
    """Write a 16-bit TIFF with more tags: its directory is copied to the end and extended."""
    data = save_deep(path, image).read_bytes()
    start = int.from_bytes(data[4:8], "little")
    count = int.from_bytes(data[start : start + 2], "little")
    places = range(start + 2, start + 2 + 12 * count, 12)
    entries = {data[k : k + 2]: data[k : k + 12] for k in places}
    for tag, value in tags.items():
        key = struct.pack("<H", tag)
        if isinstance(value, int):
            entries[key] = key + struct.pack("<HIHH", 3, 1, value, 0)
        else:
            entries[key] = key + struct.pack("<HII", 7, len(value), len(data))
            data += value + b"\0" * (len(value) % 2)
    ordered = sorted(entries.values(), key=lambda entry: struct.unpack("<H", entry[:2]))
    directory = struct.pack("<H", len(ordered)) + b"".join(ordered) + b"\0\0\0\0"
    data += b"\0" * (len(data) % 2)
    path.write_bytes(data[:4] + struct.pack("<I", len(data)) + data[8:] + directory)
    return path


def exif(orientation: int = 1, taken: str = "", fraction: str = "", offset: str = "") -> bytes:
    """Return an EXIF block."""
    block = Image.Exif()
    block[0x0112] = orientation
    inner = block.get_ifd(0x8769)
    for tag, text in ((0x9003, taken), (0x9291, fraction), (0x9011, offset)):
        if text:
            inner[tag] = text
    return block.tobytes()


def chunk(name: bytes, content: bytes) -> bytes:
    """Return a PNG chunk."""
    checksum = struct.pack(">I", zlib.crc32(name + content))
    return struct.pack(">I", len(content)) + name + content + checksum


def with_chunk(path: Path, name: bytes, content: bytes) -> Path:
    """Insert a chunk after the header of a PNG file."""
    data = path.read_bytes()
    path.write_bytes(data[:33] + chunk(name, content) + data[33:])
    return path


def png(width: int, height: int, bits: int, kind: int, rows: bytes, *extra: bytes) -> bytes:
    """Return a PNG file of raw rows, each with its filter byte."""
    header = struct.pack(">IIBBBBB", width, height, bits, kind, 0, 0, 0)
    parts = [chunk(b"IHDR", header), *extra, chunk(b"IDAT", zlib.compress(rows))]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts) + chunk(b"IEND", b"")


def iccp(profile: bytes) -> bytes:
    """Return the content of an iCCP chunk."""
    return b"icc\0\0" + zlib.compress(profile)


def icc_profile(columns: tuple[tuple[float, ...], ...], curve: bytes, space: bytes) -> bytes:
    """Return a display profile with one curve for all channels, and a matrix for RGB."""
    tags = {}
    if space == b"GRAY":
        tags[b"kTRC"] = curve
    else:
        for name, column in zip((b"r", b"g", b"b"), columns, strict=True):
            tags[name + b"XYZ"] = _xyz(column)
            tags[name + b"TRC"] = curve
    return _profile(tags, space, b"XYZ ")


def table_profile(space: bytes) -> bytes:
    """Return a profile with an 8-bit table (mft1, two steps per channel) for "RGB " or "CMYK".

    Its black is grey, as on paper.
    """
    channels = len(space.strip())
    corners = np.stack(np.meshgrid(*[[0, 1]] * channels, indexing="ij"), -1).reshape(-1, channels)
    light = corners if channels == 3 else (1 - corners[:, :3]) * (1 - corners[:, 3:])
    rgb = Image.fromarray((light * 255).astype(np.uint8)[None])
    srgb, lab = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    to_lab = ImageCms.buildTransform(srgb, lab, "RGB", "LAB")
    cells = np.asarray(ImageCms.applyTransform(rgb, to_lab)).reshape(-1, 3)
    cells = cells.astype(np.uint8) ^ np.array([0, 128, 128], np.uint8)  # signed to offset
    identity = bytes(range(256))
    cells[:, 0] = np.maximum(cells[:, 0], 30)
    tag = b"mft1\0\0\0\0" + bytes([channels, 3, 2, 0])
    tag += struct.pack(">9i", 65536, 0, 0, 0, 65536, 0, 0, 0, 65536)
    tag += identity * channels + cells.tobytes() + identity * 3
    return _profile({b"A2B0": tag, b"A2B1": tag}, space, b"Lab ")


def gamma_curve(gamma: float) -> bytes:
    """Return a "curv" tag with one exponent."""
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256))


def srgb_curve() -> bytes:
    """Return a "para" tag of type 3 with the parameters of sRGB."""
    numbers = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
    return b"para\0\0\0\0" + struct.pack(">HH5i", 3, 0, *(round(n * 65536) for n in numbers))


def table_curve(gamma: float) -> bytes:
    """Return a "curv" tag with 1024 points of a power function."""
    points = np.rint(np.linspace(0, 1, 1024) ** gamma * 65535).astype(">u2")
    return b"curv\0\0\0\0" + struct.pack(">I", 1024) + points.tobytes()


def heic(image: Array, **options: Any) -> bytes:
    """Write a HEIC file of 8 or 16-bit RGB, lossless except for rounding (16 bits become 10)."""
    import pillow_heif

    mode = "RGB" if image.dtype == np.uint8 else "RGB;16"
    size = image.shape[1::-1]
    coded = pillow_heif.from_bytes(mode=mode, size=size, data=image.tobytes())
    out = io.BytesIO()
    coded.save(out, quality=-1, chroma=444, **options)
    return out.getvalue()


def _profile(tags: dict[bytes, bytes], space: bytes, pcs: bytes) -> bytes:
    tags = {b"desc": b"text\0\0\0\0test\0", b"wtpt": _xyz((0.9642, 1.0, 0.8249))} | tags
    table, body = b"", b""
    start = 128 + 4 + 12 * len(tags)
    for name, content in tags.items():
        table += struct.pack(">4sII", name, start + len(body), len(content))
        body += content + b"\0" * (-len(content) % 4)
    size = start + len(body)
    head = struct.pack(">I4sI4s4s4s", size, b"\0\0\0\0", 0x02400000, b"mntr", space, pcs)
    head += b"\0" * 12 + b"acsp" + b"\0" * 28 + struct.pack(">3i", 63190, 65536, 54061)
    return head.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + body


def _xyz(values: tuple[float, ...]) -> bytes:
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(v * 65536) for v in values))


P3_ICC = icc_profile(P3_COLUMNS, srgb_curve(), b"RGB ")
