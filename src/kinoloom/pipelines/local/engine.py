"""The engine: runs one execution.

One thread decides (`Engine.run`). Tasks run in threads of their own and report to it through a
queue. Only the deciding thread changes the execution's state, one transaction for each event.

A ready step whose resources are not free is looked up in the cache before it waits for them.
"""

from __future__ import annotations

import contextlib
import queue
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from pathlib import Path
from typing import Any

from kinoloom.pipelines.language import Step
from kinoloom.pipelines.language.model import RetryPolicy
from kinoloom.pipelines.local.context import Run, RunContext, Tools
from kinoloom.pipelines.local.jobs.outcome import (
    STOPPED_REASON,
    Outcome,
    Status,
    describe_error,
)
from kinoloom.pipelines.local.jobs.process import kill_orphan
from kinoloom.pipelines.local.jobs.resources import Resources
from kinoloom.pipelines.local.kinds import LOCAL_KINDS
from kinoloom.pipelines.local.schedule import Schedule
from kinoloom.pipelines.local.script.progress import Progress
from kinoloom.pipelines.local.step_kind import Lookup, Task, prepare_task
from kinoloom.pipelines.local.storage.stop_requests import StopListener
from kinoloom.pipelines.local.threads import run_in_thread
from kinoloom.pipelines.local.waiting_line import WaitingLine

_MAX_THREADS = 64
_MAX_LOOKUPS = 8
_POLL_S = 0.2
_KILL_S = 1.0  # from the kill of the steps to the end without their tasks


class Engine:
    """Runs one execution.

    Args:
        run: The execution.
        tools: The session's tools.
        listener: Receives its stop requests.
        progress: Reports its progress.
    """

    def __init__(self, run: Run, tools: Tools, listener: StopListener, progress: Progress) -> None:
        self._run = run
        self._state = tools.state
        self._demand = tools.demand
        self._listener = listener
        self._progress = progress
        self._schedule = Schedule(run.checked.graph)
        self._properties: dict[str, Any] = {}
        self._attempts: dict[str, int] = {}
        self._started: dict[str, float] = {}
        self._looked_up: set[str] = set()
        self._waiting: WaitingLine[tuple[str, Task]] = WaitingLine()
        self._used: dict[str, Resources] = {}
        self._failures: dict[str, tuple[float, Outcome]] = {}
        self._retries: dict[str, float] = {}
        self._kill_deadline: float | None = None
        self._reports: queue.SimpleQueue[tuple[str, Outcome | Task | None]] = queue.SimpleQueue()
        self._tasks: dict[str, Future[None]] = {}
        self._can_be_abandoned: set[str] = set()
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
        except Exception as error:  # noqa: BLE001  nothing may stay "Executing"
            return "Failed", self._fail(f"The engine failed: {describe_error(error)}")
        finally:
            wait(self._tasks.values(), None if self._kill_deadline is None else _KILL_S)
        statuses = set(self._schedule.status.values())
        # A step may have seen the stop request before the listener.
        if self._listener.requested.is_set() or Status.STOPPED in statuses:
            return "Stopped", STOPPED_REASON
        return ("Failed" if Status.FAILED in statuses else "Succeeded"), self._reason

    def wake(self) -> None:
        """Make the engine check at once whether it must stop."""
        self._reports.put(("", None))

    def kill(self) -> None:
        """Kill the processes of a stopped execution's steps; work without one is abandoned."""
        self._kill_deadline = time.monotonic() + _KILL_S
        with contextlib.suppress(Exception):  # the state cannot be read
            for row in self._state.list_steps(self._run.id):
                kill_orphan(row["pid"], row["pid_started"])
        self.wake()

    def _start_steps(self) -> None:
        """Start every step that is ready and for which resources are free."""
        self._schedule.halted |= self._listener.requested.is_set()
        for name in self._due_retries():
            del self._retries[name]
            self._prepare(name)
        while len(self._looked_up) < _MAX_LOOKUPS:
            ready = self._schedule.take()
            if ready is None:
                break
            self._prepare(ready)
        while not self._schedule.halted and self._has_room:
            waiting = self._waiting.take(self._free)
            if waiting is None:
                break
            self._start(*waiting)
        if self._schedule.halted:
            self._drop_waiting()

    def _due_retries(self) -> list[str]:
        now = time.monotonic()
        return [name for name, due in self._retries.items() if due <= now]

    def _drop_waiting(self) -> None:
        """Drop the steps that have not started; a step that waits for a retry has failed."""
        waiting = (name for name, _ in self._waiting.clear())
        dropped = [*waiting, *self._looked_up, *self._retries]
        self._looked_up.clear()
        self._retries.clear()
        if self._listener.requested.is_set():
            self._abandon(self._can_be_abandoned.intersection(self._used))
        for name in dropped:
            if name in self._failures:
                self._end(name, self._failures[name][1])
            else:
                self._schedule.put_back(name)

    @property
    def _max_parallel(self) -> int:
        return min(self._run.max_parallel or _MAX_THREADS, _MAX_THREADS)

    @property
    def _has_room(self) -> bool:
        return len(self._used) < self._max_parallel

    @property
    def _free(self) -> Resources:
        free = self._demand.total
        for used in self._used.values():
            free = free.minus(used)
        return free

    def _prepare(self, name: str) -> None:
        """Decide a step's outcome, look it up in the cache, or let it wait for resources."""
        step = self._step(name)
        kind = LOCAL_KINDS[step.type]
        result: Outcome | Lookup | Task
        try:
            if kind.decide is not None:
                result = kind.decide(self._context.scope, step)
            else:
                result = prepare_task(kind, self._context, step, self._next(name))
        except Exception as error:  # noqa: BLE001  any error ends the step, not the engine
            cause = "" if kind.decide is not None else "Invalid arguments: "
            result = Outcome(Status.FAILED, f"{cause}{describe_error(error)}")
        if isinstance(result, Outcome):
            self._record_start(step)
            self._end(name, result)
        else:
            self._enqueue(name, result)

    def _enqueue(self, name: str, task: Lookup | Task) -> None:
        if isinstance(task, Task):
            self._waiting.add((name, task), task.resources)
        elif not self._waiting and self._has_room and task.task.resources.fits(self._free):
            self._start(name, task.task)
        else:
            self._looked_up.add(name)
            self._run_in_thread(name, task.find)

    def _start(self, name: str, task: Task) -> None:
        """Start a step's task."""
        step = self._step(name)
        self._record_start(step)
        self._used[name] = task.resources
        folder = self._context.attempt_folder(step, self._attempts[name])
        self._tasks[name] = self._run_in_thread(name, task.work, folder)
        if task.can_be_abandoned:
            self._can_be_abandoned.add(name)

    def _run_in_thread(
        self, name: str, work: Callable[[], Outcome | Task], folder: Path | None = None
    ) -> Future[None]:
        thread = f"kinoloom-{self._run.id}-{name}"
        return run_in_thread(thread, self._report, name, work, folder)

    def _step(self, name: str) -> Step:
        return self._run.checked.graph.steps[name].step

    def _next(self, name: str) -> int:
        """Return the number of a step's next attempt."""
        return self._attempts.get(name, 0) + 1

    def _record_start(self, step: Step) -> None:
        self._attempts[step.name] = self._next(step.name)
        self._started[step.name] = time.monotonic()
        self._state.begin_step(self._run.id, self._run.pipeline, step.name, step.type)
        self._progress.start_step(step.name)

    def _report(self, name: str, work: Callable[[], Outcome | Task], folder: Path | None) -> None:
        """Do work in its own thread and report the outcome; `folder` is tidied after a success."""
        try:
            result = work()
        except BaseException as error:  # noqa: BLE001  even SystemExit ends the step, not a thread
            result = Outcome(Status.FAILED, describe_error(error))
        self._reports.put((name, result))
        if folder and isinstance(result, Outcome) and result.status is Status.SUCCEEDED:
            self._tidy(folder)  # while the next step already runs

    def _process_report(self) -> None:
        """Wait for a report, or until something is due, and process it."""
        try:
            name, result = self._reports.get(timeout=self._timeout_s())
        except queue.Empty:
            self._abandon_tasks()
            return
        if isinstance(result, Task):
            if name in self._looked_up:
                self._looked_up.remove(name)
                self._enqueue(name, result)
        elif result is not None and name in self._looked_up:
            self._looked_up.remove(name)
            self._record_start(self._step(name))
            self._finish(name, result)
        elif result is not None and name in self._used:
            del self._used[name]
            self._finish(name, result)

    def _timeout_s(self) -> float | None:
        due = [*self._retries.values()]
        if self._kill_deadline is not None:
            due.append(self._kill_deadline)
        # At most _POLL_S, to notice stop requests while waiting.
        return min(max(0.0, min(due) - time.monotonic()), _POLL_S) if due else None

    def _abandon_tasks(self) -> None:
        """End the steps whose tasks have not ended after the kill of the execution."""
        if self._kill_deadline is None or time.monotonic() < self._kill_deadline:
            return
        self._abandon(set(self._used))

    def _abandon(self, names: set[str]) -> None:
        """End steps without waiting for their tasks."""
        for name in names:
            del self._used[name], self._tasks[name]
            self._end(name, Outcome(Status.STOPPED, STOPPED_REASON))

    def _fail(self, reason: str) -> str:
        """Stop the running steps, whose results cannot be recorded; return the reason."""
        self._listener.stop()
        for name in self._can_be_abandoned:
            self._tasks.pop(name, None)
        wait(self._tasks.values())
        for name in [*self._used, *self._retries]:
            with contextlib.suppress(Exception):  # the state cannot be written
                self._state.end_step(self._run.id, name, Outcome(Status.FAILED, reason).row())
        return reason

    def _finish(self, name: str, outcome: Outcome) -> None:
        """End a step, or let it run again after a while."""
        delay_s = self._retry_delay(name, outcome)
        if delay_s is None:
            self._end(name, outcome)
        else:
            self._retries[name] = time.monotonic() + delay_s

    def _retry_delay(self, name: str, outcome: Outcome) -> float | None:
        """Return the delay before the next attempt in seconds; None if there is no retry."""
        if outcome.status is not Status.FAILED or self._schedule.halted:
            return None
        now = time.monotonic()
        first, _ = self._failures.setdefault(name, (now, outcome))
        self._failures[name] = first, outcome
        for policy in self._step(name).retries:
            if outcome.retry_class in policy.exceptions:
                return _policy_delay(policy, self._attempts[name], now - first)
        return None

    def _end(self, name: str, outcome: Outcome) -> None:
        try:
            self._state.end_step(self._run.id, name, outcome.row())
        except (TypeError, ValueError, RecursionError) as error:  # an integer of 5,000 digits
            reason = f"The step's result cannot be stored: {describe_error(error)}"
            outcome = Outcome(Status.FAILED, reason)
            self._state.end_step(self._run.id, name, outcome.row())
        self._progress.end_step(name, outcome, time.monotonic() - self._started[name])
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
