"""Problems of a definition, each with its JSON path.

Paths have the form of JSONPath: `$.Steps[2].Arguments.Environment['my key']`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import lru_cache

from kinoloom.base.printable import printable_line
from kinoloom.errors import DefinitionError

_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_MAX_LISTED = 20
_MAX_NAMES = 8


def child_path(path: str, key: str | int) -> str:
    """Return the path of a member of the object or list at `path`."""
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
    """One problem.

    Attributes:
        path: Its JSON path.
        message: What is wrong, with the value and what is allowed.
    """

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}"


@dataclass
class Problems:
    """Collects problems, so that one check reports all of them."""

    _items: list[Problem] = field(default_factory=list)

    def add(self, path: str, message: str) -> None:
        """Add a problem."""
        self._items.append(Problem(path, message))

    def __iter__(self) -> Iterator[Problem]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def raise_if_any(self, heading: str = "The pipeline definition has") -> None:
        """Raise one error that lists the problems.

        Args:
            heading: What comes before the number of problems.

        Raises:
            DefinitionError: There are problems; the message has the first 20, one per line.
        """
        if not self._items:
            return
        lines = [printable_line(str(problem)) for problem in self._items[:_MAX_LISTED]]
        if len(self._items) > _MAX_LISTED:
            lines.append(f"and {len(self._items) - _MAX_LISTED} more")
        count = "1 problem" if len(self._items) == 1 else f"{len(self._items)} problems"
        raise DefinitionError("\n  ".join([f"{heading} {count}:", *lines]))


def suggest(name: str, known: Iterable[str]) -> str:
    """Return a remark for an unknown name: close names if there are any, otherwise all names.

    Returns:
        Text in parentheses with a leading space, such as " (did you mean Train?)".
    """
    names = sorted(known)
    close = get_close_matches(name, names, n=3)
    if close:
        return f" (did you mean {' or '.join(close)}?)"
    if not names:
        return " (there are none)"
    listed = ", ".join(names[:_MAX_NAMES]) + (", ..." if len(names) > _MAX_NAMES else "")
    return f" (known: {listed})"
