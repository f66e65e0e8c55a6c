"""Problems of a definition, each with the JSON path of the place where it is.

A path is written as in JSONPath: `$.Steps[2].Arguments.Environment['my key']`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import lru_cache
from typing import TYPE_CHECKING

from kinoloom.errors import DefinitionError

if TYPE_CHECKING:
    from collections.abc import Iterable

_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_SHOWN = 20


def below(path: str, key: str | int) -> str:
    """The path of a member of the object or list at `path`."""
    return path + _segment(key)


@lru_cache(4096)
def _segment(key: str | int) -> str:
    if isinstance(key, int):
        return f"[{key}]"
    if _PLAIN_KEY.fullmatch(key):
        return f".{key}"
    quoted = key.replace("\\", "\\\\").replace("'", "\\'")
    return f"['{quoted}']"


@dataclass(frozen=True)
class Problem:
    """One thing that is not right.

    Attributes:
        path: the JSON path of the place.
        message: what is wrong there, with the value and what is allowed.
    """

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}"


@dataclass
class Problems:
    """Collects problems, so that one reading of a file reports all of them."""

    _items: list[Problem] = field(default_factory=list)

    def add(self, path: str, message: str) -> None:
        """Note a problem."""
        self._items.append(Problem(path, message))

    def __iter__(self) -> Iterator[Problem]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def raise_if_any(self) -> None:
        """Raise one error that lists the problems.

        Raises:
            DefinitionError: there are problems; the message has a line for each of the first 20.
        """
        if not self._items:
            return
        lines = [str(problem) for problem in self._items[:_SHOWN]]
        if len(self._items) > _SHOWN:
            lines.append(f"and {len(self._items) - _SHOWN} more")
        count = "1 problem" if len(self._items) == 1 else f"{len(self._items)} problems"
        raise DefinitionError(f"The pipeline definition has {count}:\n  " + "\n  ".join(lines))


def suggestion(name: str, known: Iterable[str]) -> str:
    """What to add to "there is no such name": close names, or all when they are few."""
    names = sorted(known)
    close = get_close_matches(name, names, n=3)
    if close:
        return f"; did you mean {' or '.join(close)}?"
    if not names:
        return "; there are none"
    shown = ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")
    return f"; there are: {shown}"
