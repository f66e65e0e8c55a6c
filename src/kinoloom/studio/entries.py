"""What the studio adds to the registry."""

from __future__ import annotations

from kinoloom.base.declarations import Entries, OpEntry

ENTRIES = Entries(
    commands={
        "studio": OpEntry("launch:open_studio", "Open the studio for folders in the browser.")
    },
    pages={"notes": "notes.page:PAGE"},
    checks={"studio": "checks:checks"},
)
