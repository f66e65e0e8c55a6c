"""Progress of a training run, with loss, rate and remaining time: a bar, or log lines."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

ReportProgress = Callable[[int, str], None]
"""(steps done, status): "" keeps the previous status."""

logger = logging.getLogger("kinoloom")


@contextmanager
def show_progress(done: int, total: int, *, enabled: bool) -> Iterator[ReportProgress]:
    """Show a progress bar on standard error if that is a terminal, else write log lines.

    Args:
        done: steps before this call.
        total: all steps.
        enabled: False shows nothing.

    Yields:
        The function that reports progress.
    """
    if not enabled:
        yield lambda done, status: None
        return
    if not sys.stderr.isatty():
        yield _log_lines(done, total)
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("train"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
        TextColumn("{task.description}"),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as display:
        task = display.add_task("", total=total, completed=done, rate="")

        def report(done: int, status: str) -> None:
            speed = display.tasks[0].speed
            rate = f"{speed:.1f} steps/s" if speed else ""
            description = status or display.tasks[0].description
            display.update(task, completed=done, rate=rate, description=description)

        yield report


def _log_lines(start: int, total: int) -> ReportProgress:
    """Return a function that logs a line for each new status."""
    started = time.monotonic()

    def report(done: int, status: str) -> None:
        if status:
            rate = (done - start) / max(time.monotonic() - started, 1e-9)
            left_min = (total - done) / rate / 60
            message = "step %d of %d: %s, %.2f steps/s, %.0f min left"
            logger.info(message, done, total, status, rate, left_min)

    return report
