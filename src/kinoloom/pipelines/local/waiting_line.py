"""The steps that wait for resources, and which of them is next.

The first step that fits the free resources is next, so a small step does not wait behind large
ones. No step is passed over without end: once `MAX_PASSED` younger steps have started before the
oldest step of a size, it reserves what is free.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from itertools import count
from typing import Generic, TypeVar

from kinoloom.pipelines.local.jobs.resources import Resources

MAX_PASSED = 16

T = TypeVar("T")


@dataclass
class _Waiting(Generic[T]):
    """An item, its place in the line, and how many younger items left the line before it."""

    item: T
    place: int
    passed: int = 0


class WaitingLine(Generic[T]):
    """Items in the order of their arrival, each with the resources that it needs.

    `take` costs as much as there are different sizes.
    """

    def __init__(self) -> None:
        self._lines: dict[Resources, deque[_Waiting[T]]] = {}
        self._places = count()

    def __bool__(self) -> bool:
        return bool(self._lines)

    def add(self, item: T, need: Resources) -> None:
        """Add an item at the end."""
        self._lines.setdefault(need, deque()).append(_Waiting(item, next(self._places)))

    def take(self, free: Resources) -> T | None:
        """Remove the next item that fits and return it; None if there is none.

        Args:
            free: The free resources.
        """
        older: list[_Waiting[T]] = []
        for need, line in sorted(self._lines.items(), key=lambda pair: pair[1][0].place):
            first = line[0]
            if need.fits(free):
                for one in older:
                    one.passed += 1
                line.popleft()
                if not line:
                    del self._lines[need]
                return first.item
            if first.passed >= MAX_PASSED:
                free = free.reserve(need)
            older.append(first)
        return None

    def clear(self) -> list[T]:
        """Remove all items and return them."""
        items = [one.item for line in self._lines.values() for one in line]
        self._lines.clear()
        return items
