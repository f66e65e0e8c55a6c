"""What enhance adds to the registry."""

from __future__ import annotations

from kinoloom.base.declarations import Entries

ENTRIES = Entries(
    cards={
        "animevideov3": "cards:ANIMEVIDEOV3",
        "span-x2": "cards:SPAN_X2",
        "span-x4": "cards:SPAN_X4",
        "x4plus": "cards:X4PLUS",
        "x4plus-anime": "cards:X4PLUS_ANIME",
    },
)
