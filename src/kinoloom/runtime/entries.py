"""What runtime adds to the registry."""

from __future__ import annotations

from kinoloom.base.declarations import Entries

ENTRIES = Entries(checks={"runtime": "checks:checks"})
