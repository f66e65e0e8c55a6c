"""Follows the events that the process of a job appends to its file."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

_CHUNK_BYTES = 1 << 20


class Follower:
    """Reads new events of a file, each once.

    Args:
        file: need not exist yet.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._offset = 0
        self._rest = b""

    def read_new(self) -> Iterator[Mapping[str, Any]]:
        """Yield the events that were added since the last call."""
        try:
            with self._file.open("rb") as file:
                file.seek(self._offset)
                while chunk := file.read(_CHUNK_BYTES):
                    self._offset += len(chunk)
                    *lines, self._rest = (self._rest + chunk).split(b"\n")
                    yield from filter(None, map(_parse, lines))
        except FileNotFoundError:
            return


def _parse(line: bytes) -> Mapping[str, Any]:
    """Return an event; an empty one for half a line, which a killed process leaves."""
    try:
        event = json.loads(line)
    except ValueError:
        return {}
    return event if isinstance(event, dict) else {}
