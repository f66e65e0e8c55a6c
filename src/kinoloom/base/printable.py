"""Make text from files, names and metadata safe to print and to store.

A file name or a tag may contain terminal escapes, characters that reorder a line, or bytes that are
not UTF-8 (Python keeps them as lone surrogates, which no encoder accepts).
"""

from __future__ import annotations

import re

_SURROGATE = re.compile("[\ud800-\udfff]")
_ORDER_AND_LINES = "\\u2028\\u2029\\u202a-\\u202e\\u2066-\\u2069\\ufeff"
_CONTROL_BUT_LAYOUT = re.compile(f"[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f{_ORDER_AND_LINES}]")
_CONTROL = re.compile(f"[\\x00-\\x1f\\x7f-\\x9f{_ORDER_AND_LINES}]")
_FIRST_BYTE, _LAST_BYTE = 0xDC80, 0xDCFF


def printable(text: str) -> str:
    r"""Return text with control characters as escapes such as \x1b; tabs and lines are kept."""
    return well_formed(_CONTROL_BUT_LAYOUT.sub(_escape, text))


def printable_line(text: str) -> str:
    r"""Return text as one line: all control characters, also tabs and line feeds, as escapes."""
    return well_formed(_CONTROL.sub(_escape, text))


def well_formed(text: str) -> str:
    r"""Return text that UTF-8 can encode: a byte that was not UTF-8 becomes \xff."""
    return _SURROGATE.sub(_escape, text)


def _escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    if _FIRST_BYTE <= code <= _LAST_BYTE:
        code -= 0xDC00
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
