"""Runs a job in a process of its own: python -m kinoloom.jobs.process FOLDER.

In: FOLDER/job.json, a `JobRequest`. Out: FOLDER/events.jsonl, see `jobs.events`; FOLDER/report.json
if the op returns a report; stdout and stderr are the log. SIGINT and SIGTERM end it, see
`jobs.stopping`. Exit codes are those of the command line.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kinoloom.errors import EXIT_INCOMPLETE, KinoloomError
from kinoloom.jobs.events import EventWriter
from kinoloom.jobs.stopping import INTERRUPTED, watch_stop_signals

if TYPE_CHECKING:
    from kinoloom.jobs.job import Job, Outcome

REQUEST, EVENTS, LOG, REPORT, LOCK = "job.json", "events.jsonl", "log", "report.json", "lock"
"""The files of a job's folder; the process inherits the locked lock."""
BELL = "bell"
"""The named pipe in the folder of all jobs."""


def main(folder: Path) -> int:
    """Run the job of a folder; return the exit code."""
    with EventWriter(folder / EVENTS, folder.parent / BELL) as events:
        watch_stop_signals(lambda: events.end_now(state="cancelled", time=time.time()))
        if hasattr(signal, "SIGCONT"):
            signal.signal(signal.SIGCONT, lambda number, frame: events.rate.reset())
        started = read_start_time(os.getpid())
        events.add("start", pid=os.getpid(), started=started, time=time.time())
        try:
            return _run(folder, events)
        except KeyboardInterrupt:
            # The thread of `jobs.stopping` ends the process if this takes long.
            return _end(events, INTERRUPTED, "cancelled")
        except KinoloomError as error:
            _say(str(error))
            return _end(events, error.exit_code, "failed", error=error.message, hint=error.hint)
        except Exception as error:  # noqa: BLE001  the page shows every error
            traceback.print_exc()
            message = f"Unexpected error: {type(error).__name__}: {error}"
            hint = "This is a bug. Report it with the log of this job."
            return _end(events, 1, "failed", error=message, hint=hint)


def read_start_time(pid: int) -> str:
    """Return when a process started, in clock ticks since boot; "" if it does not run.

    Together with the process id it identifies a process: ids are used again.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] in "ZX" else fields[19]  # fields 3 and 22: a zombie does not run


def _run(folder: Path, events: EventWriter) -> int:
    # Heavy libraries are imported here, when the signals' handlers are set and the start is known.
    from kinoloom.base.notes import logger
    from kinoloom.jobs.request import JobRequest
    from kinoloom.jobs.run import run_job

    handler = _NoteHandler(events)
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    request = JobRequest.from_dict(json.loads((folder / REQUEST).read_text(encoding="utf-8")))
    request.check_confirmed()
    job = request.build_job()
    outcome = run_job(job, events.progress)
    code, state = (0, "done") if outcome.is_complete else (EXIT_INCOMPLETE, "incomplete")
    return _end(events, code, state, **_describe(folder, job, outcome))


def _describe(folder: Path, job: Job, outcome: Outcome) -> dict[str, Any]:
    """Return what the page shows of a result; a report is written next to the events."""
    from kinoloom.base.provenance import to_jsonable
    from kinoloom.base.report import Report
    from kinoloom.base.report.files import to_json, to_text

    if isinstance(outcome.result, Report):
        (folder / REPORT).write_text(to_json(outcome.result), encoding="utf-8")
        if job.output is None:
            sys.stdout.write(to_text(outcome.result))
        return {"summary": outcome.result.summary, "has_report": True}
    written, record = outcome.written, getattr(outcome.result, "provenance", None)
    facts = list(written.facts) if written else []
    for path in (written.path,) if written else ():
        _say(f"{path}: {', '.join(facts)}")
    return {"facts": to_jsonable(facts), "key": record.key if record else ""}


def _end(events: EventWriter, code: int, state: str, **values: Any) -> int:
    events.add("end", state=state, time=time.time(), **values)
    return code


class _NoteHandler(logging.Handler):
    """Adds what kinoloom logs to the events, and to the log."""

    def __init__(self, events: EventWriter) -> None:
        super().__init__()
        self._events = events

    def emit(self, record: logging.LogRecord) -> None:
        message = record.getMessage()
        _say(message)
        self._events.add("note", level=record.levelname.lower(), message=message)


def _say(line: str) -> None:
    from kinoloom.base.printable import printable_line

    sys.stderr.write(f"kinoloom: {printable_line(line)}\n")


if __name__ == "__main__":
    code = main(Path(sys.argv[1]))
    if code == INTERRUPTED:
        os._exit(code)  # threads that still compute must not delay the end
    sys.exit(code)
