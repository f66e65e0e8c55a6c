"""The engine: carries one execution to its end.

One thread decides (`run`); jobs and functions run in threads of their own and report to it through
a queue. It alone writes the state, a transaction for each thing that happened.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from kinoloom.errors import KinoloomError
from kinoloom.pipelines.language import Step
from kinoloom.pipelines.language.model import RetryPolicy
from kinoloom.pipelines.local.evaluate import as_text
from kinoloom.pipelines.local.resources import Resources
from kinoloom.pipelines.local.schedule import Schedule, Status
from kinoloom.pipelines.local.tasks import Run, Tasks, Tools
from kinoloom.pipelines.local.worker import Outcome

_MOST_THREADS = 64
_MOST_HELD = 16  # steps looked past for one that fits
_LOOK_S = 0.2


class Engine:
    """Carries one execution to its end.

    Args:
        run: the execution.
        tools: of the session.
        stopping: set when it must stop.
    """

    def __init__(
        self,
        run: Run,
        tools: Tools,
        stopping: threading.Event,
    ) -> None:
        self._run = run
        self._state = tools.state
        self._demand = tools.demand
        self._taken: dict[str, Resources] = {}
        self._stopping = stopping
        self._schedule = Schedule(run.checked.graph)
        self._properties: dict[str, Any] = {}
        self._attempts: dict[str, int] = {}
        self._first_failure: dict[str, float] = {}
        self._retries: dict[str, tuple[float, Outcome]] = {}
        self._reports: queue.SimpleQueue[tuple[str, Outcome | None]] = queue.SimpleQueue()
        self._reason = ""
        self._tasks = Tasks(run, tools, self._properties)

    def recall(self, rows: list[dict[str, Any]]) -> None:
        """Take over the steps of this execution that succeeded before it was interrupted."""
        done = {row["name"]: row for row in rows if row["status"] == Status.SUCCEEDED.value}
        self._attempts = {row["name"]: row["attempts"] for row in rows}
        waiting = []
        while (name := self._schedule.take()) is not None:
            if name not in done:
                waiting.append(name)
                continue
            self._properties[name] = done[name]["properties"]
            outcome = done[name]["properties"] or {}
            self._schedule.end(name, Status.SUCCEEDED, outcome=outcome.get("Outcome") != "false")
        for name in reversed(waiting):
            self._schedule.put_back(name)

    def run(self) -> tuple[str, str]:
        """Run to the end.

        Returns:
            "Succeeded", "Failed" or "Stopped", and the reason.
        """
        with ThreadPoolExecutor(_MOST_THREADS, f"kinoloom-{self._run.id}") as pool:
            self._launch(pool)
            while not self._schedule.over:
                self._hear()
                self._launch(pool)
        ends = set(self._schedule.status.values())
        # A step may have seen the order to stop before `_stopping` was set.
        if self._stopping.is_set() or Status.STOPPED in ends:
            return "Stopped", "The execution was stopped."
        failed = Status.FAILED in ends
        return ("Failed" if failed else "Succeeded"), self._reason

    def wake(self) -> None:
        """Make it look at once whether it must stop."""
        self._reports.put(("", None))

    def _launch(self, pool: ThreadPoolExecutor) -> None:
        """Begin every step that is ready and for which there is room."""
        self._schedule.halted |= self._stopping.is_set()
        if self._schedule.halted:
            self._give_up_retries()
        for name in self._due_retries():
            self._begin(name, pool)
        held: list[str] = []
        while len(held) < _MOST_HELD and self._has_room():
            ready = self._schedule.take()
            if ready is None:
                break
            if not self._begin(ready, pool):
                held.append(ready)
        for name in reversed(held):
            self._schedule.put_back(name)

    def _due_retries(self) -> list[str]:
        moment = time.monotonic()
        due = [name for name, (when, _) in self._retries.items() if when <= moment]
        return due[: max(0, self._limit - len(self._taken))]

    def _give_up_retries(self) -> None:
        for name, (_, outcome) in list(self._retries.items()):
            del self._retries[name]
            self._end(name, outcome)

    @property
    def _limit(self) -> int:
        return min(self._run.parallel or _MOST_THREADS, _MOST_THREADS)

    @property
    def _free(self) -> Resources:
        free = self._demand.whole
        for taken in self._taken.values():
            free = free.less(taken)
        return free

    def _has_room(self) -> bool:
        return len(self._taken) < self._limit and self._free.cpu > 0

    def _begin(self, name: str, pool: ThreadPoolExecutor) -> bool:
        """Begin a step; false when its resources are not free."""
        step = self._run.checked.graph.steps[name].step
        if step.type in ("Condition", "Fail"):
            self._note_begin(step)
            self._end(name, self._decide(step))
            return True
        try:
            work, needs = self._tasks.work(step, self._attempts.get(name, 0) + 1)
        except (KinoloomError, LookupError, TypeError, ValueError, AttributeError) as error:
            self._note_begin(step)
            self._end(name, Outcome(Status.FAILED, f"Its arguments cannot be used: {error}"))
            return True
        if not needs.fits(self._free) and name not in self._retries:
            return False
        self._retries.pop(name, None)
        self._note_begin(step)
        self._taken[name] = needs
        pool.submit(self._report, name, work)
        return True

    def _note_begin(self, step: Step) -> None:
        self._attempts[step.name] = self._attempts.get(step.name, 0) + 1
        self._state.begin_step(self._run.id, self._run.pipeline, step.name, step.type)

    def _report(self, name: str, work: Callable[[], Outcome]) -> None:
        attempt = self._attempts[name]
        try:
            outcome = work()
        except Exception as error:  # noqa: BLE001  a fault of ours must end the step, not hang it
            outcome = Outcome(Status.FAILED, f"{type(error).__name__}: {error}")
        self._reports.put((name, outcome))
        if outcome.status is Status.SUCCEEDED:  # while the next step runs already
            self._tasks.tidy(name, attempt)

    def _hear(self) -> None:
        """Wait for a report, or until a retry is due."""
        wait_s = None
        if self._retries:
            soonest = min(when for when, _ in self._retries.values())
            # Looks at the order to stop meanwhile.
            wait_s = min(max(0.0, soonest - time.monotonic()), _LOOK_S)
        try:
            name, outcome = self._reports.get(timeout=wait_s)
        except queue.Empty:
            return
        if outcome is None:  # woken
            return
        del self._taken[name]
        delay_s = self._delay(name, outcome)
        if delay_s is None:
            self._end(name, outcome)
        else:
            self._retries[name] = (time.monotonic() + delay_s, outcome)

    def _delay(self, name: str, outcome: Outcome) -> float | None:
        """How long to wait before the next attempt; None when there is none."""
        if outcome.status is not Status.FAILED or self._schedule.halted:
            return None
        first = self._first_failure.setdefault(name, time.monotonic())
        for policy in self._run.checked.graph.steps[name].step.retries:
            if outcome.retry_class in policy.exceptions:
                return _next_wait(policy, self._attempts[name], time.monotonic() - first)
        return None

    def _end(self, name: str, outcome: Outcome) -> None:
        self._state.end_step(self._run.id, name, outcome.row())
        if outcome.status is not Status.SUCCEEDED and not self._reason:
            self._reason = f"Step '{name}' {outcome.status.value.lower()}: {outcome.reason}"
        self._properties[name] = outcome.properties
        chosen = (outcome.properties or {}).get("Outcome") != "false"
        self._schedule.end(name, outcome.status, outcome=chosen)

    def _decide(self, step: Step) -> Outcome:
        """What a Condition or Fail step comes to."""
        try:
            if step.branches is None:
                message = as_text(self._tasks.scope.value(step.arguments["ErrorMessage"]))
                return Outcome(Status.FAILED, message)
            holds = all(c.holds(self._tasks.scope.value) for c in step.branches.conditions)
            return Outcome(Status.SUCCEEDED, properties={"Outcome": "true" if holds else "false"})
        except KinoloomError as error:
            return Outcome(Status.FAILED, str(error))


def _next_wait(policy: RetryPolicy, attempt: int, since_first_s: float) -> float | None:
    """How long to wait after failed attempt number `attempt`; None when no more are allowed."""
    wait_s = policy.wait_s(attempt)
    if policy.max_attempts is not None:
        return wait_s if attempt <= policy.max_attempts else None
    limit_s = 60 * (policy.expire_after_min or 0)
    return wait_s if since_first_s + wait_s <= limit_s else None
