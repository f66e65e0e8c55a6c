"""The header Range of HTTP (RFC 9110, section 14), of which one range of bytes is supported.

A request for several ranges gets the whole file, which the standard allows: a thousand small
parts would cost far more than the file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_RANGE = re.compile(r"bytes=[ \t]*(\d{0,20})-(\d{0,20})[ \t]*", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True)
class Span:
    """Bytes of a file.

    Attributes:
        begin: the first one.
        end: the one after the last.
    """

    begin: int
    end: int

    @property
    def length(self) -> int:
        """The number of bytes."""
        return self.end - self.begin


class UnsatisfiableRangeError(ValueError):
    """No byte of the file is in the range."""


def parse_range(header: str | None, size: int) -> Span | None:
    """Return the bytes that a request wants, or None for the whole file.

    Args:
        header: the value of the header; None if there is none.
        size: of the file, in bytes.

    Raises:
        UnsatisfiableRangeError: a valid range begins after the end of the file, or is empty.
    """
    found = _RANGE.fullmatch(header) if header is not None else None
    if found is None or not (found[1] or found[2]):
        return None
    if not found[1]:
        begin, end = max(0, size - int(found[2])), size
    else:
        begin, end = int(found[1]), size
        if found[2]:
            if int(found[2]) < begin:
                return None
            end = min(int(found[2]) + 1, size)
    if begin >= end:
        raise UnsatisfiableRangeError(f"the file has {size} bytes")
    return Span(begin, end)
