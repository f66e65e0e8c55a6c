"""Progress of a training: a bar on a terminal, with the loss, the rate and the time left."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Show = Callable[[int, str], None]
"""Called with how many steps are done and a few words about the loss; "" keeps the last words."""


def _show_nothing(done: int, words: str) -> None:
    """For what is no terminal."""


@contextmanager
def bar(done: int, total: int, *, shown: bool) -> Iterator[Show]:
    """A progress bar on standard error, if that is a terminal and the bar is to be shown.

    Args:
        done: steps done before.
        total: all steps.
        shown: False for processes that keep quiet.
    """
    if not (shown and sys.stderr.isatty()):
        yield _show_nothing
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
