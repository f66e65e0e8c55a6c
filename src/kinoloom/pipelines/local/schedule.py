"""Which steps may run now? The rules alone, without processes.

A step is ready when all that it needs have succeeded. It is skipped when its Condition chose the
other branch, or when something that it needs was skipped. After a failure nothing more is ready;
what runs may end.
"""

from __future__ import annotations

from collections import deque
from enum import Enum

from kinoloom.pipelines.language.graph import Graph


class Status(Enum):
    """How far a step is."""

    WAITING = "Waiting"
    EXECUTING = "Executing"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    STOPPED = "Stopped"
    SKIPPED = "Skipped"


class Schedule:
    """The state of one execution; each call costs only what it changes.

    Args:
        graph: of the definition.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.status = dict.fromkeys(graph.order, Status.WAITING)
        self.halted = False
        self._dependents = graph.dependents
        self._left = {name: len(needs) for name, needs in graph.needs.items()}
        self._ready = deque(name for name in graph.order if not graph.needs[name])
        self._running = 0

    def take(self) -> str | None:
        """A step that is ready and now counts as running; None when there is none."""
        while self._ready and not self.halted:
            name = self._ready.popleft()
            if self.status[name] is Status.WAITING:
                self.status[name] = Status.EXECUTING
                self._running += 1
                return name
        return None

    def put_back(self, name: str) -> None:
        """A step that was taken is ready again, first in line."""
        self.status[name] = Status.WAITING
        self._running -= 1
        self._ready.appendleft(name)

    def end(self, name: str, status: Status, *, outcome: bool = True) -> None:
        """A running step has ended.

        Args:
            name: of the step.
            status: SUCCEEDED, FAILED or STOPPED; after the last two nothing more is ready.
            outcome: of a Condition.
        """
        self._running -= 1
        self.status[name] = status
        if status is not Status.SUCCEEDED:
            self.halted = True
            return
        for dependent in self._dependents[name]:
            placed = self.graph.steps[dependent]
            if placed.condition == name and placed.chosen != outcome:
                self._skip(dependent)
            self._left[dependent] -= 1
            if self._left[dependent] == 0:
                self._ready.append(dependent)

    @property
    def running(self) -> int:
        """How many steps are running."""
        return self._running

    @property
    def over(self) -> bool:
        """Whether nothing runs and nothing more is ready."""
        if self._running:
            return False
        return self.halted or not any(self.status[name] is Status.WAITING for name in self._ready)

    def _skip(self, name: str) -> None:
        front = [name]
        while front:
            one = front.pop()
            if self.status[one] is Status.WAITING:
                self.status[one] = Status.SKIPPED
                front += self._dependents[one]
