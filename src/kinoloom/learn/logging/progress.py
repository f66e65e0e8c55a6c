"""Progress of a training, with the loss, the rate and the time left: a bar, or lines."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Show = Callable[[int, str], None]
"""Called with how many steps are done and a few words about the loss; "" keeps the last words."""


logger = logging.getLogger("kinoloom")


@contextmanager
def bar(done: int, total: int, *, shown: bool) -> Iterator[Show]:
    """A progress bar on standard error if that is a terminal, else lines in the log.

    Args:
        done: steps done before.
        total: all steps.
        shown: False for processes that keep quiet.
    """
    if not shown:
        yield lambda done, words: None
        return
    if not sys.stderr.isatty():
        yield _lines(done, total)
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

        def show(done: int, words: str) -> None:
            speed = display.tasks[0].speed
            rate = f"{speed:.1f} steps/s" if speed else ""
            description = words or display.tasks[0].description
            display.update(task, completed=done, rate=rate, description=description)

        yield show


def _lines(begun: int, total: int) -> Show:
    """Tell a line whenever there are words."""
    since = time.monotonic()

    def show(done: int, words: str) -> None:
        if words:
            rate = (done - begun) / max(time.monotonic() - since, 1e-9)
            left_min = (total - done) / rate / 60
            told = "step %d of %d: %s, %.2f steps/s, %.0f min left"
            logger.info(told, done, total, words, rate, left_min)

    return show
