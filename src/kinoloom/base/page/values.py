"""Values that calls of a page return."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Blob:
    """Bytes of a media type, such as a picture.

    Attributes:
        data: the bytes.
        media_type: such as "image/jpeg".
        facts: short texts for the page by name, sent as one JSON header; at most 2 KB.
    """

    data: bytes
    media_type: str
    facts: tuple[tuple[str, str], ...] = ()
