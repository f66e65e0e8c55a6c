"""Runs a job for the command line, with its messages, progress bar and printed result.

Data goes to stdout, messages go to stderr; a progress bar appears only on a terminal.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from kinoloom.base.files import Progress, no_progress
from kinoloom.base.notes import logger
from kinoloom.base.printable import printable_line
from kinoloom.base.report import Report
from kinoloom.cli.output import echo, echo_json, echo_line
from kinoloom.errors import EXIT_INCOMPLETE
from kinoloom.jobs.inputs import is_secondary_process
from kinoloom.jobs.job import Job, Outcome
from kinoloom.jobs.run import run_job


def execute(job: Job, *, as_json: bool) -> int:
    """Run a job and print its result; return the exit code, `EXIT_INCOMPLETE` if a part is missing.

    Raises:
        KinoloomError: as `jobs.run.run_job`.
    """
    with _log_to_stderr(), _progress_bar(job.op.name) as progress:
        outcome = run_job(job, progress)
    if not (isinstance(outcome.result, Report) and is_secondary_process()):
        _print(job, outcome, as_json=as_json)
    return 0 if outcome.is_complete else EXIT_INCOMPLETE


def _print(job: Job, outcome: Outcome, *, as_json: bool) -> None:
    if isinstance(outcome.result, Report):
        _print_report(job, outcome.result, as_json=as_json)
        return
    written = outcome.written
    if as_json:
        notes = [note.to_dict() for note in outcome.result.notes]
        record = outcome.result.provenance.to_dict()
        data = dict(written.data) if written else {}
        echo_json({**data, "notes": notes, "provenance": record})
    elif written is not None:
        echo_line(f"{written.path}: {', '.join(written.facts)}", err=True)


def _print_report(job: Job, report: Report, *, as_json: bool) -> None:
    from kinoloom.base.report.files import to_json, to_text

    if as_json:
        echo(to_json(report), nl=False)
    elif job.output is None:
        echo(to_text(report), nl=False)
    else:
        echo_line(f"{job.output}: {report.summary}", err=True)


@contextmanager
def _log_to_stderr() -> Iterator[None]:
    """Send kinoloom's log to stderr for the duration of the block."""
    handler = logging.StreamHandler(_Stderr())
    handler.setFormatter(_Printable("kinoloom: %(message)s"))
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before)


class _Printable(logging.Formatter):
    """A formatter that makes control characters in names and metadata visible."""

    def format(self, record: logging.LogRecord) -> str:
        return printable_line(super().format(record))


class _Stderr:
    """The current `sys.stderr` at each write, so that a progress bar can take it over."""

    def write(self, text: str) -> None:
        sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()


@contextmanager
def _progress_bar(title: str) -> Iterator[Progress]:
    """A progress bar with rate and time left on a terminal; it appears with the first call."""
    if not sys.stderr.isatty():
        yield no_progress
        return
    from rich import progress as rich
    from rich.console import Console

    columns = (
        rich.TextColumn("{task.description}"),
        rich.BarColumn(),
        rich.MofNCompleteColumn(),
        rich.TextColumn("{task.fields[rate]}"),
        rich.TimeRemainingColumn(),
    )
    bar = rich.Progress(*columns, console=Console(stderr=True), transient=True)
    task = bar.add_task(title, total=None, rate="")

    def progress(done: int, total: int | None) -> None:
        bar.start()  # no effect once started; before, another live display may be running
        speed = bar.tasks[0].speed
        rate = f"{speed:.1f}/s" if speed else ""
        bar.update(task, completed=done, total=total, rate=rate)

    try:
        yield progress
    finally:
        bar.stop()
