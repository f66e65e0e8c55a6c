"""Notes: events noticed while a lazy clip is read, logged once and kept.

A damaged packet, a scene cut or a pair of unrelated photos is noticed only while the clip is read.
Each becomes a note of the clip, which is also logged to `kinoloom`, so that a listener sees it at
once and a summary can count it afterwards.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Literal

from kinoloom.base.printable import printable_line

Level = Literal["info", "warning", "error"]
_LEVELS = {"info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
logger = logging.getLogger("kinoloom")


@dataclass(frozen=True)
class Note:
    """One event.

    Attributes:
        kind: one word ("cut", "damage") by which summaries count.
        message: one sentence for a person.
        level: "error" means that part of the requested result is missing (exit code 1).
        time: position in the clip in seconds, or None.
    """

    kind: str
    message: str
    level: Level = "info"
    time: Fraction | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON; the time is a float in seconds."""
        time_s = None if self.time is None else float(self.time)
        return {"kind": self.kind, "level": self.level, "time_s": time_s, "message": self.message}


@dataclass
class Notes:
    """A list of notes that logs each note when it is added.

    A note that is added again, when a clip is read twice, is kept and logged once.
    """

    _items: dict[Note, None] = field(default_factory=dict)

    def add(
        self, kind: str, message: str, level: Level = "info", time: Fraction | None = None
    ) -> None:
        """Keep a note and log it to `kinoloom`."""
        message = printable_line(message)
        note = Note(kind, message, level, time)
        if note not in self._items:
            self._items[note] = None
            logger.log(_LEVELS[level], message)

    def __iter__(self) -> Iterator[Note]:
        return iter(list(self._items))

    def count(self, kind: str) -> int:
        """Return the number of notes of a kind."""
        return sum(note.kind == kind for note in self)

    @property
    def failed(self) -> bool:
        """Whether any note reports that part of the result is missing."""
        return any(note.level == "error" for note in self)
