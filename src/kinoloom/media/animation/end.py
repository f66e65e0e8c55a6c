"""Set the duration of the last picture of a WebP or APNG animation.

Their encoders derive a picture's duration from the start of the next, so that of the last one is
arbitrary. It is corrected in the finished file.

Sources: RIFF and ANMF chunks, WebP container specification; fcTL chunk, PNG specification, third
edition (delay_num and delay_den are two bytes each; delay_den 0 means 100).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

_MAX_PNG = 65535
_MAX_WEBP_MS = (1 << 24) - 1
_DELAY_IN_FCTL = 20
_DELAY_IN_ANMF = 12


def set_duration(path: Path, total: Fraction) -> None:
    """Make an animation last `total` seconds by setting the duration of its last picture.

    A file with one picture and no times is not changed.
    """
    with path.open("r+b") as file:
        if file.read(4) == b"RIFF":
            _set_webp(file, total)
        else:
            _set_png(file, total)


def _set_webp(file: BinaryIO, total: Fraction) -> None:
    places = [
        place + _DELAY_IN_ANMF for place, kind, _ in _iter_webp_chunks(file) if kind == b"ANMF"
    ]
    left_ms = round(total * 1000)
    for place in places[:-1]:
        file.seek(place)
        left_ms -= int.from_bytes(file.read(3), "little")
    for place in places[-1:]:
        file.seek(place)
        file.write(min(max(left_ms, 1), _MAX_WEBP_MS).to_bytes(3, "little"))


def _iter_webp_chunks(file: BinaryIO) -> Iterator[tuple[int, bytes, int]]:
    """Yield where the content of each chunk starts, its kind and its size."""
    place = 12
    while True:
        file.seek(place)
        head = file.read(8)
        if len(head) < 8:
            return
        size = int.from_bytes(head[4:], "little")
        yield place + 8, head[:4], size
        place += 8 + size + size % 2


def _set_png(file: BinaryIO, total: Fraction) -> None:
    places = [place for place, kind, _ in _iter_png_chunks(file) if kind == b"fcTL"]
    left = total
    for place in places[:-1]:
        file.seek(place + _DELAY_IN_FCTL)
        over, under = struct.unpack(">HH", file.read(4))
        left -= Fraction(over, under or 100)
    for place in places[-1:]:
        delay = _limit_to_16_bits(max(left, Fraction(0)))
        file.seek(place)
        content = bytearray(file.read(26))
        struct.pack_into(">HH", content, _DELAY_IN_FCTL, delay.numerator, delay.denominator)
        file.seek(place)
        file.write(content + zlib.crc32(b"fcTL" + content).to_bytes(4, "big"))


def _iter_png_chunks(file: BinaryIO) -> Iterator[tuple[int, bytes, int]]:
    """Yield where the content of each chunk starts, its kind and its size."""
    place = 8
    while True:
        file.seek(place)
        head = file.read(8)
        if len(head) < 8:
            return
        size = int.from_bytes(head[:4], "big")
        yield place + 8, head[4:], size
        place += 12 + size


def _limit_to_16_bits(value: Fraction) -> Fraction:
    """Return the nearest fraction whose numerator and denominator are below 65536."""
    if value >= _MAX_PNG:
        return Fraction(_MAX_PNG)
    return value.limit_denominator(int(_MAX_PNG / max(value, Fraction(1))))
