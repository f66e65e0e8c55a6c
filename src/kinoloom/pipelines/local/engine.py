"""The engine: runs one execution.

One thread decides (`Engine.run`). Tasks run in threads of their own and report to it through a
queue. Only the deciding thread changes the execution's state, one transaction for each event.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import Any

from kinoloom.errors import KinoloomError
from kinoloom.pipelines.language import Step
from kinoloom.pipelines.language.model import RetryPolicy
from kinoloom.pipelines.local.context import Run, RunContext, Tools
from kinoloom.pipelines.local.jobs.outcome import STOPPED_REASON, Outcome, Status
from kinoloom.pipelines.local.jobs.resources import Resources
from kinoloom.pipelines.local.kinds import LOCAL_KINDS
from kinoloom.pipelines.local.schedule import Schedule
from kinoloom.pipelines.local.step_kind import prepare_task
from kinoloom.pipelines.local.threads import run_in_thread

_MAX_THREADS = 64
_MAX_POSTPONED = 16  # ready steps that are examined for one that fits the free resources
_POLL_S = 0.2


class Engine:
    """Runs one execution.

    Args:
        run: The execution.
        tools: The session's tools.
        stopping: Set when the execution must stop.
    """

    def __init__(self, run: Run, tools: Tools, stopping: threading.Event) -> None:
        self._run = run
        self._state = tools.state
        self._demand = tools.demand
        self._used: dict[str, Resources] = {}
        self._stopping = stopping
        self._schedule = Schedule(run.checked.graph)
        self._properties: dict[str, Any] = {}
        self._attempts: dict[str, int] = {}
        self._first_failure: dict[str, float] = {}
        self._retries: dict[str, tuple[float, Outcome]] = {}
        self._reports: queue.SimpleQueue[tuple[str, Outcome | None]] = queue.SimpleQueue()
        self._tasks: set[Future[None]] = set()
        self._reason = ""
        self._context = RunContext(run, tools, self._properties)
        self._tidy = tools.worker.tidy

    def restore(self, rows: list[dict[str, Any]]) -> None:
        """Restore the steps that succeeded before the execution was interrupted.

        Args:
            rows: The database rows of the execution's steps.
        """
        succeeded = {row["name"]: row for row in rows if row["status"] == Status.SUCCEEDED.value}
        self._attempts = {row["name"]: row["attempts"] for row in rows}
        waiting = []
        while (name := self._schedule.take()) is not None:
            if name not in succeeded:
                waiting.append(name)
                continue
            properties = succeeded[name]["properties"]
            self._properties[name] = properties
            self._schedule.end(name, Status.SUCCEEDED, outcome=_condition_outcome(properties))
        for name in reversed(waiting):
            self._schedule.put_back(name)

    def run(self) -> tuple[str, str]:
        """Run the execution to its end.

        Returns:
            "Succeeded", "Failed" or "Stopped", and the reason.
        """
        try:
            self._start_steps()
            while not self._schedule.over:
                self._process_report()
                self._start_steps()
        finally:
            wait(self._tasks)
        statuses = set(self._schedule.status.values())
        # A step may have seen the stop request before `_stopping` was set.
        if self._stopping.is_set() or Status.STOPPED in statuses:
            return "Stopped", STOPPED_REASON
        return ("Failed" if Status.FAILED in statuses else "Succeeded"), self._reason

    def wake(self) -> None:
        """Make the engine check at once whether it must stop."""
        self._reports.put(("", None))

    def _start_steps(self) -> None:
        """Start every step that is ready and for which resources are free."""
        self._schedule.halted |= self._stopping.is_set()
        if self._schedule.halted:
            self._cancel_retries()
        for name in self._due_retries():
            self._start(name)
        postponed: list[str] = []
        while len(postponed) < _MAX_POSTPONED and self._has_capacity():
            ready = self._schedule.take()
            if ready is None:
                break
            if not self._start(ready):
                postponed.append(ready)
        for name in reversed(postponed):
            self._schedule.put_back(name)

    def _due_retries(self) -> list[str]:
        now = time.monotonic()
        due = [name for name, (when, _) in self._retries.items() if when <= now]
        return due[: max(0, self._max_parallel - len(self._used))]

    def _cancel_retries(self) -> None:
        for name, (_, outcome) in list(self._retries.items()):
            del self._retries[name]
            self._end(name, outcome)

    @property
    def _max_parallel(self) -> int:
        return min(self._run.max_parallel or _MAX_THREADS, _MAX_THREADS)

    @property
    def _free(self) -> Resources:
        free = self._demand.total
        for used in self._used.values():
            free = free.minus(used)
        return free

    def _has_capacity(self) -> bool:
        return len(self._used) < self._max_parallel and self._free.cpu > 0

    def _start(self, name: str) -> bool:
        """Start a step; return False if its resources are not free."""
        step = self._run.checked.graph.steps[name].step
        kind = LOCAL_KINDS[step.type]
        if kind.decide is not None:
            self._record_start(step)
            self._end(name, kind.decide(self._context.scope, step))
            return True
        try:
            task = prepare_task(kind, self._context, step, self._attempts.get(name, 0) + 1)
        except (KinoloomError, LookupError, TypeError, ValueError, AttributeError) as error:
            self._record_start(step)
            self._end(name, Outcome(Status.FAILED, f"Invalid arguments: {error}"))
            return True
        if not task.resources.fits(self._free) and name not in self._retries:
            return False
        self._retries.pop(name, None)
        self._record_start(step)
        self._used[name] = task.resources
        thread = f"kinoloom-{self._run.id}-{name}"
        self._tasks = {one for one in self._tasks if not one.done()}
        self._tasks.add(run_in_thread(thread, self._report, step, task.work))
        return True

    def _record_start(self, step: Step) -> None:
        self._attempts[step.name] = self._attempts.get(step.name, 0) + 1
        self._state.begin_step(self._run.id, self._run.pipeline, step.name, step.type)

    def _report(self, step: Step, work: Callable[[], Outcome]) -> None:
        """Do a task's work in its own thread and report the outcome."""
        folder = self._context.attempt_folder(step, self._attempts[step.name])
        try:
            outcome = work()
        except Exception as error:  # noqa: BLE001  a bug must end the step, not hang the engine
            outcome = Outcome(Status.FAILED, f"{type(error).__name__}: {error}")
        self._reports.put((step.name, outcome))
        if outcome.status is Status.SUCCEEDED:  # while the next step already runs
            self._tidy(folder)

    def _process_report(self) -> None:
        """Wait for a report, or until a retry is due, and process it."""
        timeout_s = None
        if self._retries:
            next_retry = min(when for when, _ in self._retries.values())
            # At most _POLL_S, to notice stop requests while waiting.
            timeout_s = min(max(0.0, next_retry - time.monotonic()), _POLL_S)
        try:
            name, outcome = self._reports.get(timeout=timeout_s)
        except queue.Empty:
            return
        if outcome is None:  # from `wake`
            return
        del self._used[name]
        delay_s = self._retry_delay(name, outcome)
        if delay_s is None:
            self._end(name, outcome)
        else:
            self._retries[name] = (time.monotonic() + delay_s, outcome)

    def _retry_delay(self, name: str, outcome: Outcome) -> float | None:
        """Return the delay before the next attempt in seconds; None if there is no retry."""
        if outcome.status is not Status.FAILED or self._schedule.halted:
            return None
        first = self._first_failure.setdefault(name, time.monotonic())
        for policy in self._run.checked.graph.steps[name].step.retries:
            if outcome.retry_class in policy.exceptions:
                return _policy_delay(policy, self._attempts[name], time.monotonic() - first)
        return None

    def _end(self, name: str, outcome: Outcome) -> None:
        self._state.end_step(self._run.id, name, outcome.row())
        if outcome.status is not Status.SUCCEEDED and not self._reason:
            self._reason = f"Step '{name}' {outcome.status.value.lower()}: {outcome.reason}"
        self._properties[name] = outcome.properties
        self._schedule.end(name, outcome.status, outcome=_condition_outcome(outcome.properties))


def _condition_outcome(properties: Any) -> bool:
    """Return the outcome of a Condition step; true for all other steps."""
    return bool((properties or {}).get("Outcome") != "false")


def _policy_delay(policy: RetryPolicy, attempt: int, since_first_s: float) -> float | None:
    """Return a policy's delay after failed attempt number `attempt`; None if it has expired."""
    delay_s = policy.delay_s(attempt)
    if policy.max_attempts is not None:
        return delay_s if attempt <= policy.max_attempts else None
    limit_s = 60 * (policy.expire_after_min or 0)
    return delay_s if since_first_s + delay_s <= limit_s else None
