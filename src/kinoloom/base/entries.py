"""What base adds to the registry."""

from __future__ import annotations

from kinoloom.base.declarations import Entries

ENTRIES = Entries(files={"Report": "report.files:REPORT_FILES"})
