"""Work that was done before: the output of an earlier job on the same, unchanged files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from kinoloom.studio.jobs.record import JobRecord


def describe_files(plan: Mapping[str, Any]) -> dict[str, Any]:
    """Return the states of the files that a job read, in order, and of its output."""
    output = plan["program"]["output"]
    return {
        "inputs": [_read_state(path) for path in plan["files"]],
        "output": _read_state(output) if output else None,
    }


def find_made(plan: Mapping[str, Any], candidates: Iterable[JobRecord]) -> str | None:
    """Return the output of a job with the same fingerprint whose files are unchanged, or None."""
    present = [_read_state(path) for path in plan["files"]]
    for job in candidates:
        output = job.plan["program"]["output"]
        made = job.made.get("output")
        is_same = made is not None and job.made["inputs"] == present and None not in present
        if is_same and _read_state(output) == made:
            text: str = job.plan["output"]
            return text
    return None


def _read_state(path: str) -> list[int] | None:
    """Return what the system stores about a file apart from its name; None if it is missing."""
    try:
        found = Path(path).stat()
    except OSError:
        return None
    return [found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns]
