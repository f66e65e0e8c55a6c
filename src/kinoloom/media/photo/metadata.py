"""Metadata of photos: orientation and time of capture."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

import numpy as np

from kinoloom.base.arrays import Picture
from kinoloom.media.photo.tiff_tags import Value, read_tags

ORIENTATION = 0x0112
"""The orientation tag of TIFF and EXIF."""
_EXIF = 0x8769
_TIME_TAGS = {
    0x9003: "DateTimeOriginal",
    0x9291: "SubSecTimeOriginal",
    0x9011: "OffsetTimeOriginal",
}


@dataclass(frozen=True)
class CaptureInfo:
    """Orientation and time of capture of a photo.

    Attributes:
        orientation: EXIF orientation, 1 to 8; 1 is upright.
        taken: time of capture, with its offset from UTC if the camera stored it; None if unknown.
    """

    orientation: int = 1
    taken: datetime | None = None


def parse_exif(data: bytes) -> CaptureInfo:
    """Read an EXIF block (or the head of a TIFF file).

    Args:
        data: with or without the prefix "Exif"; b"" returns an empty `CaptureInfo`.

    Raises:
        ValueError: the block is damaged.
    """
    block = data.removeprefix(b"Exif\0\0")
    if not block:
        return CaptureInfo()
    found = read_tags(block).get(ORIENTATION, (1,))
    orientation = int(found[0]) if found and found[0] in range(1, 9) else 1
    inner = read_tags(block, _EXIF)
    texts = {name: _decode_text(inner.get(tag, b"")) for tag, name in _TIME_TAGS.items()}
    return CaptureInfo(orientation, _parse_time(texts))


def parse_capture_time(texts: Mapping[str, str]) -> datetime | None:
    """Return the time of capture from the texts of ImageMagick's PNG files ("exif:...")."""
    return _parse_time({name: texts.get(f"exif:{name}", "") for name in _TIME_TAGS.values()})


def rotate_upright(image: Picture, orientation: int) -> Picture:
    """Rotate and mirror a picture by its EXIF orientation (1 to 8)."""
    if orientation >= 5:
        image = image.transpose(1, 0, 2)
    if orientation in (2, 3, 6, 7):
        image = image[:, ::-1]
    if orientation in (3, 4, 7, 8):
        image = image[::-1]
    return np.ascontiguousarray(image)


def _decode_text(value: Value) -> str:
    return value.partition(b"\0")[0].decode("latin-1").strip() if isinstance(value, bytes) else ""


def _parse_time(texts: Mapping[str, str]) -> datetime | None:
    date, _, clock = texts["DateTimeOriginal"].partition(" ")
    fraction = texts["SubSecTimeOriginal"]
    offset = texts["OffsetTimeOriginal"]
    with suppress(ValueError):
        time = datetime.fromisoformat(f"{date.replace(':', '-')}T{clock}")
        if fraction.isdecimal():
            time = time.replace(microsecond=int(fraction[:6].ljust(6, "0")))
        return time.replace(tzinfo=_parse_offset(offset)) if offset else time
    return None


def _parse_offset(offset: str) -> timezone | None:
    """Return the time zone of "+02:00"; None for anything else."""
    with suppress(ValueError):
        sign = {"+": 1, "-": -1}.get(offset[:1], 0)
        hours, minutes = offset[1:].split(":")
        return timezone(sign * timedelta(hours=int(hours), minutes=int(minutes))) if sign else None
    return None
