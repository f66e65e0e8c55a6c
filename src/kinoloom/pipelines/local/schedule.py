"""The schedule: which steps may run, by the rules alone, without processes.

A step is ready when all steps that it needs have succeeded. It is skipped when its Condition step
chose the other branch, or when a step that it needs was skipped. After a failure no step is ready;
running steps may finish.
"""

from __future__ import annotations

from collections import deque

from kinoloom.pipelines.language.graph import Graph
from kinoloom.pipelines.local.jobs.outcome import Status


class Schedule:
    """The status of an execution's steps; each call costs only as much as it changes.

    Args:
        graph: The definition's graph.

    Attributes:
        status: The status of each step by name.
        halted: Whether no more steps may start.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.status = dict.fromkeys(graph.order, Status.WAITING)
        self.halted = False
        self._dependents = graph.dependents
        self._open_needs = {name: len(needs) for name, needs in graph.needs.items()}
        self._ready = deque(name for name in graph.order if not graph.needs[name])
        self._running = 0

    def take(self) -> str | None:
        """Return a ready step, which now counts as running; None if there is none."""
        while self._ready and not self.halted:
            name = self._ready.popleft()
            if self.status[name] is Status.WAITING:
                self.status[name] = Status.EXECUTING
                self._running += 1
                return name
        return None

    def put_back(self, name: str) -> None:
        """Make a step that was taken ready again, first in line."""
        self.status[name] = Status.WAITING
        self._running -= 1
        self._ready.appendleft(name)

    def end(self, name: str, status: Status, *, outcome: bool = True) -> None:
        """Record the end of a running step.

        Args:
            name: The step's name.
            status: SUCCEEDED, FAILED or STOPPED; after the last two no step is ready.
            outcome: The outcome of a Condition step.
        """
        self._running -= 1
        self.status[name] = status
        if status is not Status.SUCCEEDED:
            self.halted = True
            return
        for dependent in self._dependents[name]:
            placed = self.graph.steps[dependent]
            if placed.condition == name and placed.outcome != outcome:
                self._skip(dependent)
            self._open_needs[dependent] -= 1
            if self._open_needs[dependent] == 0:
                self._ready.append(dependent)

    @property
    def running(self) -> int:
        """The number of running steps."""
        return self._running

    @property
    def over(self) -> bool:
        """Whether no step runs and no step is ready."""
        if self._running:
            return False
        return self.halted or not any(self.status[name] is Status.WAITING for name in self._ready)

    def _skip(self, name: str) -> None:
        names = [name]
        while names:
            one = names.pop()
            if self.status[one] is Status.WAITING:
                self.status[one] = Status.SKIPPED
                names += self._dependents[one]
