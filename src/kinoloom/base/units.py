"""Parsing and formatting of frame rates, fractions and sizes in bytes."""

from __future__ import annotations

import re
from fractions import Fraction

from kinoloom.errors import UsageError

# Decimal rates that stand for n * 1000 / 1001 (SMPTE ST 170 and its multiples).
_NTSC = {
    Fraction(round(n * 100000 / 1001), 100): Fraction(n * 1000, 1001) for n in (24, 30, 60, 120)
}
_NTSC[Fraction("23.976")] = Fraction(24000, 1001)
_POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}


def parse_rate(value: object) -> Fraction:
    """Parse a frame rate as an exact fraction.

    Args:
        value: "60000/1001", "25", 25, 29.97, Fraction(25). The decimals 23.976, 23.98, 29.97,
            59.94 and 119.88 stand for the exact NTSC rates (29.97 is 30000/1001).

    Raises:
        UsageError: not a positive number.
    """
    rate = parse_fraction(value)
    if rate <= 0:
        raise UsageError(f"A frame rate must be above 0, not {value}.")
    return _NTSC.get(rate, rate)


def parse_fraction(value: object) -> Fraction:
    """Parse "a/b", a decimal or a number (a float by its shortest decimal) as an exact fraction.

    Raises:
        UsageError: not a number.
    """
    try:
        return Fraction(str(value).strip())
    except (ValueError, ZeroDivisionError) as error:
        raise UsageError(
            f"'{value}' is not a number.", hint="Write it like 25, 29.97 or 30000/1001."
        ) from error


def parse_bytes(value: object) -> int:
    """Parse a size in bytes: "2GB", "512 MiB", "1.5g" or a plain number.

    K, M, G and T are powers of 1000; Ki, Mi, Gi and Ti are powers of 1024.

    Raises:
        UsageError: not a size of at least 1 byte.
    """
    match = re.fullmatch(r"(\d+\.?\d*|\.\d+)\s*(?:([kmgt])(i?))?b?", str(value).strip().lower())
    if match is None:
        raise UsageError(f"'{value}' is not a size.", hint="Write it like 2GB or 512MiB.")
    size = int(Fraction(match[1]) * (1024 if match[3] else 1000) ** _POWERS[match[2] or ""])
    if size < 1:
        raise UsageError(f"A size must be at least 1 byte, not {value}.")
    return size


def format_bytes(size: int) -> str:
    """Format a size with three digits or more: "1.50 GB", "12.0 MB", "845 B", "256 KiB".

    Binary units are used if they give a whole number below 1024.
    """
    for power, unit in ((1, "KiB"), (2, "MiB"), (3, "GiB")):
        if size % 1024**power == 0 and 0 < size < 1024 ** (power + 1):
            return f"{size // 1024**power} {unit}"
    if size < 1000:
        return f"{size} B"
    value, units = size / 1000, ["kB", "MB", "GB", "TB"]
    while value >= 999.5 and len(units) > 1:
        value, units = value / 1000, units[1:]
    digits = 2 if value < 9.995 else 1 if value < 99.95 else 0
    return f"{value:.{digits}f} {units[0]}"
