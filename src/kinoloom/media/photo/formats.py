"""Detect the format of a picture by its first bytes; the file name is ignored.

Sources of the signatures: JPEG ITU-T T.81 B.1.1.3; PNG (3rd ed.) 5.2; GIF89a 17; WebP RFC 9649 2;
TIFF 6.0 section 2; HEIF ISO/IEC 23008-12 and AVIF 1.2 (brands in the "ftyp" box of ISO/IEC
14496-12 4.3); BMP as in BITMAPFILEHEADER.
"""

from __future__ import annotations

import io

from PIL.AvifImagePlugin import AvifImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.WebPImagePlugin import WebPImageFile

from kinoloom.media.photo.png_chunks import SIGNATURE, has_frames

_HEAD_BYTES = 64
_HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"mif1")
_BMP_HEADERS = (12, 40, 52, 56, 64, 108, 124)
_ANIMATED: dict[str, type[GifImageFile | WebPImageFile | AvifImageFile]] = {
    "GIF": GifImageFile,
    "WebP": WebPImageFile,
    "AVIF": AvifImageFile,
}


def detect_format(data: bytes) -> str:
    """Detect the format of a picture file.

    Args:
        data: the file's first 64 bytes or more.

    Returns:
        "JPEG", "PNG", "WebP", "TIFF", "AVIF", "HEIC", "BMP" or "GIF"; "" for anything else.
    """
    head = data[:_HEAD_BYTES]
    starts = {b"\xff\xd8\xff": "JPEG", SIGNATURE: "PNG", b"GIF87a": "GIF", b"GIF89a": "GIF"}
    starts |= {b"II*\0": "TIFF", b"MM\0*": "TIFF"}
    for start, kind in starts.items():
        if head.startswith(start):
            return kind
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WebP"
    if head[4:8] == b"ftyp":
        return _detect_heif(head)
    if head[:2] == b"BM" and int.from_bytes(head[14:18], "little") in _BMP_HEADERS:
        return "BMP"
    return ""


def is_animation(data: bytes, kind: str) -> bool:
    """Whether a picture file has more than one frame, so that it is a video.

    Args:
        data: the whole file; a damaged file is not an animation.
        kind: its format, from `detect_format`.
    """
    if kind == "PNG":
        return has_frames(data)
    if kind not in _ANIMATED:
        return False
    try:
        return bool(_ANIMATED[kind](io.BytesIO(data)).is_animated)
    except (OSError, ValueError, SyntaxError):
        return False


def _detect_heif(head: bytes) -> str:
    """Detect the format by the brands of an "ftyp" box; HEIC sequences ("hevc") are videos."""
    end = min(int.from_bytes(head[:4], "big"), len(head))
    major = head[8:12]
    brands = [major, *(head[i : i + 4] for i in range(16, end - 3, 4))]
    if major in (b"avif", b"avis") or (major == b"mif1" and b"avif" in brands):
        return "AVIF"
    return "HEIC" if major in _HEIC_BRANDS else ""
