"""Sets how long the last picture of a WebP or APNG animation stays.

Their encoders learn a picture's length when the next one comes, so they guess it for the last
one. Here the total is put right in the finished file.

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

_MOST_PNG = 65535
_MOST_WEBP_MS = (1 << 24) - 1
_DELAY_IN_FCTL = 20
_DELAY_IN_ANMF = 12


def set_duration(path: Path, total: Fraction) -> None:
    """Make the animation in `path` last `total` seconds by the length of its last picture.

    A file of one picture without times is left as it is.
    """
    with path.open("r+b") as file:
        if file.read(4) == b"RIFF":
            _set_webp(file, total)
        else:
            _set_png(file, total)


def _set_webp(file: BinaryIO, total: Fraction) -> None:
    places = [place + _DELAY_IN_ANMF for place, kind, _ in _webp_chunks(file) if kind == b"ANMF"]
    left_ms = round(total * 1000)
    for place in places[:-1]:
        file.seek(place)
        left_ms -= int.from_bytes(file.read(3), "little")
    for place in places[-1:]:
        file.seek(place)
        file.write(min(max(left_ms, 1), _MOST_WEBP_MS).to_bytes(3, "little"))


def _webp_chunks(file: BinaryIO) -> Iterator[tuple[int, bytes, int]]:
    """Where the content of each chunk begins, its kind and size."""
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
    places = [place for place, kind, _ in _png_chunks(file) if kind == b"fcTL"]
    left = total
    for place in places[:-1]:
        file.seek(place + _DELAY_IN_FCTL)
        over, under = struct.unpack(">HH", file.read(4))
        left -= Fraction(over, under or 100)
    for place in places[-1:]:
        delay = _two_bytes_each(max(left, Fraction(0)))
        file.seek(place)
        content = bytearray(file.read(26))
        struct.pack_into(">HH", content, _DELAY_IN_FCTL, delay.numerator, delay.denominator)
        file.seek(place)
        file.write(content + zlib.crc32(b"fcTL" + content).to_bytes(4, "big"))


def _png_chunks(file: BinaryIO) -> Iterator[tuple[int, bytes, int]]:
    """Where the content of each chunk begins, its kind and size."""
    place = 8
    while True:
        file.seek(place)
        head = file.read(8)
        if len(head) < 8:
            return
        size = int.from_bytes(head[:4], "big")
        yield place + 8, head[4:], size
        place += 12 + size


def _two_bytes_each(value: Fraction) -> Fraction:
    """The nearest fraction whose numerator and denominator are both below 65536."""
    if value >= _MOST_PNG:
        return Fraction(_MOST_PNG)
    return value.limit_denominator(int(_MOST_PNG / max(value, Fraction(1))))
