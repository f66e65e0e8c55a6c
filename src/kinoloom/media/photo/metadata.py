"""What a camera wrote beside the pixels: which way is up, and when it was."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

import numpy as np

from kinoloom.base.arrays import Picture
from kinoloom.media.photo.tiff_tags import Value, read_tags

ORIENTATION = 0x0112
"""The tag of TIFF and EXIF that tells how a picture is to be turned."""
_EXIF = 0x8769
_TAKEN = {0x9003: "DateTimeOriginal", 0x9291: "SubSecTimeOriginal", 0x9011: "OffsetTimeOriginal"}


@dataclass(frozen=True)
class Meta:
    """What is known about the taking of a photo.

    Attributes:
        orientation: as EXIF counts, 1 to 8; 1 is upright.
        taken: when, with its offset from UTC where the camera knew it, else None.
    """

    orientation: int = 1
    taken: datetime | None = None


def meta_of_exif(data: bytes) -> Meta:
    """Read an EXIF block (or the head of a TIFF file).

    Args:
        data: with or without the mark "Exif" before it; b"" gives an empty `Meta`.

    Raises:
        ValueError: the block is damaged.
    """
    block = data.removeprefix(b"Exif\0\0")
    if not block:
        return Meta()
    found = read_tags(block).get(ORIENTATION, (1,))
    orientation = int(found[0]) if found and found[0] in range(1, 9) else 1
    inner = read_tags(block, _EXIF)
    texts = {name: _text(inner.get(tag, b"")) for tag, name in _TAKEN.items()}
    return Meta(orientation, _taken(texts))


def taken_of_texts(texts: Mapping[str, str]) -> datetime | None:
    """The time of capture among the texts that ImageMagick writes into PNG files ("exif:...")."""
    return _taken({name: texts.get(f"exif:{name}", "") for name in _TAKEN.values()})


def upright(image: Picture, orientation: int) -> Picture:
    """The picture turned and mirrored as its EXIF orientation (1 to 8) says."""
    if orientation >= 5:
        image = image.transpose(1, 0, 2)
    if orientation in (2, 3, 6, 7):
        image = image[:, ::-1]
    if orientation in (3, 4, 7, 8):
        image = image[::-1]
    return np.ascontiguousarray(image)


def _text(value: Value) -> str:
    return value.partition(b"\0")[0].decode("latin-1").strip() if isinstance(value, bytes) else ""


def _taken(texts: Mapping[str, str]) -> datetime | None:
    date, _, clock = texts["DateTimeOriginal"].partition(" ")
    fraction = texts["SubSecTimeOriginal"]
    offset = texts["OffsetTimeOriginal"]
    with suppress(ValueError):
        time = datetime.fromisoformat(f"{date.replace(':', '-')}T{clock}")
        if fraction.isdecimal():
            time = time.replace(microsecond=int(fraction[:6].ljust(6, "0")))
        return time.replace(tzinfo=_zone(offset)) if offset else time
    return None


def _zone(offset: str) -> timezone | None:
    """The zone of "+02:00"; None for anything else."""
    with suppress(ValueError):
        sign = {"+": 1, "-": -1}.get(offset[:1], 0)
        hours, minutes = offset[1:].split(":")
        return timezone(sign * timedelta(hours=int(hours), minutes=int(minutes))) if sign else None
    return None
