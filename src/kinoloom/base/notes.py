"""Notes: what happened while a clip was made, said once and kept.

A lazy clip learns things only while it is read: a damaged packet, a scene cut, a pair of photos
that do not belong together. Each goes into the clip's `Notes`, which also hands it to the
`kinoloom` logger; so a listener sees it at once and a summary can count it afterwards.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Literal

Level = Literal["info", "warning", "error"]
_LEVELS = {"info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
logger = logging.getLogger("kinoloom")


@dataclass(frozen=True)
class Note:
    """One thing that happened.

    Attributes:
        kind: what sort of thing, one word ("cut", "damage"); what summaries count by.
        message: one sentence for a person.
        level: "error" means that the result is not all that was asked for (exit code 1).
        time: where in the clip, in seconds, when it has a place.
    """

    kind: str
    message: str
    level: Level = "info"
    time: Fraction | None = None

    def to_dict(self) -> dict[str, Any]:
        """As plain values for JSON; the time is a float in seconds."""
        time_s = None if self.time is None else float(self.time)
        return {"kind": self.kind, "level": self.level, "time_s": time_s, "message": self.message}


@dataclass
class Notes:
    """A list of notes that says each one as it comes.

    The same note may come again when a clip is read twice; it is kept and said once.
    """

    _items: dict[Note, None] = field(default_factory=dict)

    def add(
        self, kind: str, message: str, level: Level = "info", time: Fraction | None = None
    ) -> None:
        """Keep a note and hand it to the logger `kinoloom`."""
        note = Note(kind, message, level, time)
        if note not in self._items:
            self._items[note] = None
            logger.log(_LEVELS[level], message)

    def __iter__(self) -> Iterator[Note]:
        return iter(list(self._items))

    def count(self, kind: str) -> int:
        """How many notes of that kind there are."""
        return sum(note.kind == kind for note in self)

    @property
    def failed(self) -> bool:
        """Whether any note says that part of the work is missing."""
        return any(note.level == "error" for note in self)
