"""Check that pictures are complete: decoders fill in missing pixels without an error.

Sources: PNG specification, third edition, 8 and 11 (Adam7); ITU-T T.81 B (markers, frame and scan
headers) and G (progressive scans).
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterable
from itertools import pairwise

import av

from kinoloom.media.photo.png_chunks import split_chunks

_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2))
_ADAM7_LAST = (0, 1, 1, 2)
_BLOCK_BYTES = 1 << 20
_MARKER = re.compile(rb"\xff+[^\xff\x00\xd0-\xd7]", re.DOTALL)
_END_OF_IMAGE, _START_OF_SCAN = b"\xd9", b"\xda"
_PROGRESSIVE_FRAMES = (0xC2, 0xCA)
_FRAMES = (0xC0, 0xC1, *_PROGRESSIVE_FRAMES, 0xC9)
_COEFFICIENTS = 64
_NO_CODE = b"\xff\x00" * 8
"""64 one bits, which start no Huffman code; what a decoder reads ahead of the last block."""


def check_png_pixels(header: bytes, parts: Iterable[bytes], size: tuple[int, int]) -> None:
    """Check that the compressed data of a PNG picture has all of its pixels.

    Args:
        header: the content of IHDR.
        parts: the compressed data, in order.
        size: width and height in pixels.

    Raises:
        ValueError: the data is damaged or ends early.
    """
    left = _count_png_bytes(header, *size)
    unpacker = zlib.decompressobj()
    try:
        for part in parts:
            rest = part
            while left > 0 and rest:
                left -= len(unpacker.decompress(rest, _BLOCK_BYTES))
                rest = unpacker.unconsumed_tail
        while left > 0 and (more := unpacker.decompress(b"", _BLOCK_BYTES)):
            left -= len(more)
    except zlib.error as error:
        raise ValueError("its pixels are damaged") from error
    if left > 0:
        raise ValueError("its pixels end early")


def find_apng_damage(data: bytes) -> str:
    """Return what is missing in an animated PNG file, as a phrase; "" if it is complete."""
    try:
        chunks = split_chunks(data)
        contents = dict(reversed(chunks))
        header = contents[b"IHDR"]
        frames = [at for at, (name, _) in enumerate(chunks) if name == b"fcTL"]
        for begin, end in pairwise([*frames, len(chunks)]):
            size = struct.unpack(">II", chunks[begin][1][4:12])
            parts = [
                content[4:] if name == b"fdAT" else content
                for name, content in chunks[begin:end]
                if name in (b"IDAT", b"fdAT")
            ]
            check_png_pixels(header, parts, size)
        (declared,) = struct.unpack(">I", contents[b"acTL"][:4])
    except (ValueError, KeyError, struct.error) as error:
        return str(error) if isinstance(error, ValueError) else "its chunks are damaged"
    if len(frames) < declared:
        return f"it has {len(frames)} of {declared} frames"
    return ""


def expose_early_end(data: bytes) -> bytes:
    """Return JPEG data that Pillow reports as truncated if its pixels end early.

    libjpeg fills what is missing before the end marker, but waits for more data without one. The
    marker of a file with one scan is replaced, so that complete pixels cost no second decoding;
    of a file with several scans the pixels are decoded by FFmpeg, which reports the end.

    Raises:
        ValueError: the pixels of a file with several scans end early.
    """
    place, segments = _find_jpeg_end(data)
    if place < 0:
        return data
    frames = [(kind[0], body) for kind, body in segments if kind[0] in _FRAMES]
    scans = [body for kind, body in segments if kind == _START_OF_SCAN]
    is_progressive = any(kind in _PROGRESSIVE_FRAMES for kind, _ in frames)
    if len(scans) == 1 and not is_progressive:
        return data[:place] + _NO_CODE
    if is_progressive and len(frames) == 1:
        _check_precision(frames[0][1], scans)
    _decode_scans(data[:place] + b"\xff\xd9")
    return data


def _find_jpeg_end(data: bytes) -> tuple[int, list[tuple[bytes, bytes]]]:
    """Return the place of the end marker (-1 without one), and the headers of frames and scans.

    What follows it (previews, motion photos) has markers of its own.
    """
    place = 2
    segments: list[tuple[bytes, bytes]] = []
    while found := _MARKER.search(data, place):
        kind = found[0][-1:]
        if kind == _END_OF_IMAGE:
            return found.start(), segments
        place = found.end() + int.from_bytes(data[found.end() : found.end() + 2], "big")
        if kind == _START_OF_SCAN or kind[0] in _FRAMES:  # others may be large
            segments.append((kind, data[found.end() + 2 : place]))
    return -1, segments


def _check_precision(frame: bytes, scans: list[bytes]) -> None:
    """Check that progressive scans have all bits of all coefficients.

    A file that ends between two scans shows a coarse picture, and no decoder reports it.

    Args:
        frame: the content of the frame header.
        scans: the content of the scan headers, in order.

    Raises:
        ValueError: a scan is missing, or a header is damaged.
    """
    try:
        missing = {frame[6 + 3 * k]: [1] * _COEFFICIENTS for k in range(frame[5])}
        for scan in scans:
            first, last, precision = scan[1 + 2 * scan[0] : 4 + 2 * scan[0]]
            for k in range(scan[0]):
                missing[scan[1 + 2 * k]][first : last + 1] = [precision & 15] * (last + 1 - first)
    except (IndexError, KeyError, ValueError) as error:
        raise ValueError("its scans are damaged") from error
    if any(any(bits) for bits in missing.values()):
        raise ValueError("its last scans are missing")


def _decode_scans(data: bytes) -> None:
    try:
        decoder = av.CodecContext.create("mjpeg", "r")
        decoder.options = {"err_detect": "explode"}
        decoder.decode(av.Packet(data))
    except MemoryError:
        raise
    except av.InvalidDataError as error:
        raise ValueError("its pixels end early or are damaged") from error
    except av.FFmpegError:  # a kind of JPEG that FFmpeg does not decode
        return


def _count_png_bytes(header: bytes, width: int, height: int) -> int:
    """Return the size of the uncompressed data: rows with a filter byte each."""
    bits, color, _, _, interlace = header[8:13]
    depth = bits * _CHANNELS.get(color, 1)

    def count(columns: int, rows: int) -> int:
        return rows * (1 + (columns * depth + 7) // 8) if columns else 0

    if not interlace:
        return count(width, height)
    return sum(
        count((width - x + dx - 1) // dx, (height - y + dy - 1) // dy)
        for x, y, dx, dy in (*_ADAM7, _ADAM7_LAST)
    )
