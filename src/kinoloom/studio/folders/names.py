"""Names of files: what they show of the content, and names that every system accepts."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import Literal

MAX_NEW_NAME_BYTES = 200
"""Of the name of an uploaded file; shorter than the system's limit, so that outputs made from it
can have longer names."""

Kind = Literal["folder", "video", "photo", "audio", "other"]

_SUFFIXES: dict[Kind, str] = {
    "video": (
        ".3gp .asf .avi .dv .flv .ivf .m2ts .m4v .mkv .mov .mp4 .mpeg .mpg .mts .mxf .nut .ogv .ts "
        ".vob .webm .wmv"
    ),
    "photo": ".apng .avif .bmp .gif .heic .heif .jpeg .jpg .jxl .png .tif .tiff .webp",
    "audio": (
        ".aac .ac3 .aif .aiff .amr .caf .flac .m4a .mka .mp3 .oga .ogg .opus .w64 .wav .wma .wv"
    ),
}
_KINDS: dict[str, Kind] = {
    suffix: kind for kind, text in _SUFFIXES.items() for suffix in text.split()
}
_DIGITS = re.compile("([0-9]+)")
_UNSAFE = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff\\/:*?\"<>|]"
)
"""Control characters, those that reorder a line, halves of characters, and what other systems
reject."""


def kind_of(name: str) -> Kind:
    """Return what a file is, by its suffix; "other" if that is not known."""
    return _KINDS.get(suffix_of(name), "other")


def suffix_of(name: str) -> str:
    """Return the suffix of a name in lower case, with its dot, or ""."""
    stem, dot, suffix = name.rpartition(".")
    return f".{suffix.lower()}" if dot and stem else ""


@lru_cache(maxsize=1 << 16)
def natural_key(name: str) -> tuple[tuple[str | int, ...], str]:
    """Return a sort key that ignores case and puts "2.jpg" before "10.jpg"."""
    stem, dot, suffix = name.casefold().rpartition(".")
    stem, suffix = (stem, suffix) if dot and stem else (name.casefold(), "")
    parts = _DIGITS.split(stem)
    return tuple(int(part) if k % 2 else part for k, part in enumerate(parts)), suffix


def clean_name(name: str) -> str:
    """Return a name that every system accepts, as near to a given one as possible.

    At most `MAX_NEW_NAME_BYTES` bytes of UTF-8; the suffix is kept. A name of which nothing
    remains becomes "file".
    """
    name = unicodedata.normalize("NFC", _UNSAFE.sub("_", name)).strip().lstrip(".").rstrip(". ")
    name = name.lstrip() or "file"
    stem, dot, suffix = name.rpartition(".")
    if not dot or len(suffix.encode()) > MAX_NEW_NAME_BYTES // 4:
        return _shorten(name, MAX_NEW_NAME_BYTES)
    return _shorten(stem, MAX_NEW_NAME_BYTES - len(suffix.encode()) - 1) + dot + suffix


def numbered_names(name: str) -> Iterator[str]:
    """Yield a name, then "a-2.jpg", "a-3.jpg" and so on."""
    yield name
    stem, dot, suffix = name.rpartition(".")
    stem, end = (stem, dot + suffix) if dot and stem else (name, "")
    number = 2
    while True:
        tail = f"-{number}{end}"
        yield _shorten(stem, MAX_NEW_NAME_BYTES - len(tail.encode())) + tail
        number += 1


def _shorten(text: str, size: int) -> str:
    """Cut a text to a number of bytes, between characters."""
    return text.encode()[:size].decode(errors="ignore")
