"""A job that runs: its record, its process, its events, and the end that a person requested."""

from __future__ import annotations

import signal
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kinoloom.studio.jobs.follower import Follower
from kinoloom.studio.jobs.processes import JobProcess
from kinoloom.studio.jobs.record import MAX_NOTES, JobRecord, State

TERM_S, KILL_S = 5.0, 10.0
"""A job that does not end gets SIGTERM and SIGKILL this long after SIGINT."""


class RunningJob:
    """A job with a process, which this server or an earlier one started.

    Args:
        job: its record.
        process: its process.
        follower: of its events, from where this run of it begins.
    """

    def __init__(self, job: JobRecord, process: JobProcess, follower: Follower) -> None:
        self.job, self.process = job, process
        self._follower = follower
        self._end: Mapping[str, Any] | None = None
        self._cancelled_s: float | None = None
        self._sent: signal.Signals | None = None

    def read_events(self) -> bool:
        """Apply new events; return whether there were any."""
        found = False
        for event in self._follower.read_new():
            found = True
            self._apply(event)
        return found

    def cancel(self) -> None:
        """Request the end of the process."""
        if self._cancelled_s is None:
            self._cancelled_s = time.monotonic()
        self.press()

    def press(self) -> None:
        """Send the next signal to a job that was cancelled and has not ended in time."""
        if self._cancelled_s is None:
            return
        waited = time.monotonic() - self._cancelled_s
        due = signal.SIGINT
        if waited >= KILL_S:
            due = signal.SIGKILL
        elif waited >= TERM_S:
            due = signal.SIGTERM
        if due != self._sent:
            self._sent = due
            if due == signal.SIGINT:
                self.process.send(due)
                self.process.send_all(signal.SIGCONT)  # it may be paused
            else:
                self.process.send_all(due)

    def finish(self, now: float) -> JobRecord:
        """Return the record of the ended job."""
        self.read_events()
        end = dict(self._end or {})
        state: State = end.pop("state", None) or self._guess_state()
        result = {**self.job.result, **{name: end[name] for name in end if name != "event"}}
        if self._end is None and state not in ("cancelled", "done"):
            result |= self._explain_lost()
        return self.job.with_(
            state=state,
            ended=result.pop("time", now),
            cancelling=False,
            pid=None,
            process_started=None,
            result=result,
        )

    def _apply(self, event: Mapping[str, Any]) -> None:
        kind = event.get("event")
        if kind == "start":
            self.process.pid, self.process.started = event["pid"], event["started"]
            self.job = self.job.with_(pid=self.process.pid, process_started=self.process.started)
        elif kind == "progress":
            progress = {name: event[name] for name in ("done", "total", "rate")}
            self.job = self.job.with_(progress=progress)
        elif kind == "note":
            note = {"level": event["level"], "message": event["message"]}
            notes = [*self.job.result.get("notes", []), note][-MAX_NOTES:]
            self.job = self.job.with_(result={**self.job.result, "notes": notes})
        elif kind == "end":
            self._end = event

    def _guess_state(self) -> State:
        if self._has_output():
            return "done"
        if self.job.cancelling:
            return "cancelled"
        return "failed" if (self.process.exit_code or 0) > 0 else "stopped"

    def _has_output(self) -> bool:
        """Whether the process was killed after its output had appeared, which is then complete."""
        program = self.job.plan["program"]
        is_new = not program["options"].get("overwrite")  # else it may be an earlier output
        return is_new and bool(program["output"]) and Path(program["output"]).exists()

    def _explain_lost(self) -> dict[str, str]:
        code = self.process.exit_code
        cause = ""
        if code is not None:
            cause = f" by signal {-code}" if code < 0 else f" with exit code {code}"
        return {
            "error": f"The process of this job ended{cause} without a result.",
            "hint": "The memory may be exhausted, or the computer was switched off. Resume it.",
        }
