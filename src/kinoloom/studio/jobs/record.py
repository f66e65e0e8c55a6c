"""A job as the studio keeps it, and as pages see it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

State = Literal[
    "waiting", "running", "paused", "done", "incomplete", "failed", "cancelled", "stopped"
]
ACTIVE: frozenset[State] = frozenset({"waiting", "running", "paused"})
"""States of jobs that have not ended."""
MAX_NOTES = 100
MAX_INPUTS = 100
"""What pages get of a job with more."""


@dataclass(frozen=True)
class JobRecord:
    """One job.

    Attributes:
        id: of the job; also the name of its folder.
        state: see `State`; "stopped": its process ended without a result.
        body: what the page requested: op, inputs, options, output, report.
        plan: what `studio.tools.jobs.plan` returned.
        person: who started it.
        created, started, ended: by the clock, in seconds; None if not yet.
        number: ascending over all jobs; 0 before it is stored.
        position: of a waiting job in the queue, ascending.
        resumes: how often it was resumed.
        pid, process_started: of its process; see `jobs.process.read_start_time`.
        cancelling: whether its end was requested.
        progress: done, total and rate.
        result: error, hint, facts, summary and notes of its end.
        made: the states of the files that it read and wrote, for jobs that are done.
    """

    id: str
    state: State
    body: Mapping[str, Any]
    plan: Mapping[str, Any]
    person: str
    created: float
    started: float | None = None
    ended: float | None = None
    number: int = 0
    position: float = 0.0
    resumes: int = 0
    pid: int | None = None
    process_started: str | None = None
    cancelling: bool = False
    progress: Mapping[str, Any] = field(default_factory=dict)
    result: Mapping[str, Any] = field(default_factory=dict)
    made: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> JobRecord:
        """Build a record from a row of the database."""
        values = {name: value for name, value in row.items() if name != "fingerprint"}
        for name in ("body", "plan", "progress", "result", "made"):
            values[name] = json.loads(values[name])
        return cls(**{**values, "cancelling": bool(values["cancelling"])})

    def to_row(self) -> dict[str, Any]:
        """Return the values of a row, without the number."""
        values = {name: value for name, value in vars(self).items() if name != "number"}
        for name in ("body", "plan", "progress", "result", "made"):
            values[name] = json.dumps(values[name])
        fingerprint = self.plan["fingerprint"]
        return {**values, "cancelling": int(self.cancelling), "fingerprint": fingerprint}

    def with_(self, **values: Any) -> JobRecord:
        """Return a copy with other values."""
        return replace(self, **values)

    @property
    def is_active(self) -> bool:
        """Whether it has not ended."""
        return self.state in ACTIVE

    @property
    def can_resume(self) -> bool:
        """Whether it ended without a complete result, so that it can run again in place."""
        return self.state in ("failed", "cancelled", "stopped")


def describe(job: JobRecord, waiting_for: str = "") -> dict[str, Any]:
    """Return a job as pages see it.

    Args:
        job: the job.
        waiting_for: why a waiting job does not run yet, as a sentence.
    """
    done, total, rate = (job.progress.get(name) for name in ("done", "total", "rate"))
    left = None
    if job.state == "running" and rate and total is not None and done is not None:
        left = (total - done) / rate
    return {
        "id": job.id,
        "op": job.body["op"],
        "title": job.plan["title"],
        "inputs": job.body["inputs"][:MAX_INPUTS],
        "input_count": len(job.body["inputs"]),
        "options": job.body["options"],
        "output": job.plan["output"],
        "report": job.plan["report"],
        "has_report": bool(job.result.get("has_report")),
        "state": job.state,
        "cancelling": job.cancelling and job.is_active,
        "can_resume": job.can_resume,
        "position": job.position,
        "done": done,
        "total": total,
        "unit": job.plan["unit"],
        "rate": rate if job.state == "running" else None,
        "seconds_left": left,
        "waiting_for": waiting_for if job.state == "waiting" else "",
        "notes": job.result.get("notes", []),
        "error": job.result.get("error", ""),
        "hint": job.result.get("hint", ""),
        "facts": job.result.get("facts", []),
        "summary": job.result.get("summary", ""),
        "created": job.created,
        "started": job.started,
        "ended": job.ended,
        "command": job.plan["command"],
        "person": job.person,
    }
