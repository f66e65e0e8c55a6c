"""The limit on the decoded size of pictures and frames: a small file can declare any size.

It is checked before anything is decoded, on the size that the file declares, and passed to FFmpeg,
whose decoders check each frame.

Sources: GIF89a 18; PNG specification, third edition, 11.2.1; WebP container specification (VP8X);
RFC 6386 9.1 (VP8); WebP lossless bitstream specification 3 (VP8L).
"""

from __future__ import annotations

from pathlib import Path

from kinoloom.errors import UnsupportedMediaError

PIXEL_LIMIT = 160_000_000
"""The most pixels of a photo or a frame (16000x10000)."""
DECODER_OPTIONS = {"max_pixels": str(PIXEL_LIMIT), "threads": "1"}
"""Options of every FFmpeg decoder.

With several threads the pictures of a damaged file depend on their number, and for some codecs
differ from run to run (docs/decisions/0044).
"""
SIZE_HINT = "Reduce its size first."
_HEAD_BYTES = 30


def describe_excess(width: int, height: int) -> str:
    """Return how a size exceeds `PIXEL_LIMIT`, as a phrase about "it"; "" if it does not."""
    if width * height <= PIXEL_LIMIT:
        return ""
    return f"it has {width}x{height} pixels, more than {PIXEL_LIMIT}"


def check_size(path: Path, width: int, height: int) -> None:
    """Check the declared size of a video.

    Raises:
        UnsupportedMediaError: it exceeds `PIXEL_LIMIT`.
    """
    if excess := describe_excess(width, height):
        raise UnsupportedMediaError(f"{path} cannot be used: {excess}.", hint=SIZE_HINT)


def check_animation_size(path: Path) -> None:
    """Check the canvas of an animated picture, which its decoder allocates on opening.

    Raises:
        UnsupportedMediaError: it exceeds `PIXEL_LIMIT`.
    """
    with path.open("rb") as file:
        check_size(path, *read_canvas(file.read(_HEAD_BYTES)))


def read_canvas(head: bytes) -> tuple[int, int]:
    """Return width and height that a GIF, PNG or WebP file declares; (0, 0) for others.

    Args:
        head: the first 30 bytes of the file or more.
    """
    if head[:4] == b"GIF8":
        return _little(head[6:8]), _little(head[8:10])
    if head[:4] == b"\x89PNG":
        return int.from_bytes(head[16:20], "big"), int.from_bytes(head[20:24], "big")
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return _read_webp_canvas(head[12:16], head)
    return 0, 0


def _read_webp_canvas(kind: bytes, head: bytes) -> tuple[int, int]:
    """Return the size in the first chunk, whose content starts at byte 20."""
    if kind == b"VP8X":
        return _little(head[24:27]) + 1, _little(head[27:30]) + 1
    if kind == b"VP8L":
        return (_little(head[21:23]) & 0x3FFF) + 1, (_little(head[22:25]) >> 6 & 0x3FFF) + 1
    return _little(head[26:28]) & 0x3FFF, _little(head[28:30]) & 0x3FFF


def _little(data: bytes) -> int:
    return int.from_bytes(data, "little")
