"""What media adds to the registry."""

from __future__ import annotations

from kinoloom.base.declarations import Entries

ENTRIES = Entries(
    files={"Clip": "files:CLIP_FILES"},
    checks={"media": "checks:checks"},
)
