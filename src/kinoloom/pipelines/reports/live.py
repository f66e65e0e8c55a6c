"""A live table of an execution's steps on a terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from kinoloom.base.printable import printable_line

if TYPE_CHECKING:
    from rich.table import Table

    from kinoloom.pipelines.protocols import Execution

_COLOURS = {
    "Executing": "yellow", "Succeeded": "green", "Failed": "red", "Stopped": "magenta",
}  # fmt: skip
_REFRESHES_PER_SECOND = 4


@contextmanager
def live_table(execution: Execution) -> Iterator[None]:
    """Show the table during the block if standard error is a terminal."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console
    from rich.live import Live

    with Live(
        get_renderable=lambda: build_table(execution),
        console=Console(stderr=True),
        refresh_per_second=_REFRESHES_PER_SECOND,
        transient=True,
    ):
        yield


def build_table(execution: Execution) -> Table:
    """Return the table of the current state."""
    from rich.table import Table
    from rich.text import Text

    table = Table(title=f"execution {execution.id}: {execution.status}")
    for column in ("step", "status", "seconds", "reason"):
        table.add_column(column, justify="right" if column == "seconds" else "left")
    for step in execution.list_steps():
        status = step["StepStatus"]
        reason = step.get("CacheExplanation") or step.get("FailureReason", "")
        table.add_row(
            Text(printable_line(step["StepName"])),
            Text(status, style=_COLOURS.get(status, "")),
            f"{duration_s(step):.1f}",
            Text(printable_line(reason.partition("\n")[0])),
        )
    return table


def duration_s(step: dict[str, Any]) -> float:
    """Return a step's duration in seconds, so far if it is running."""
    end = step.get("EndTime", datetime.now(UTC))
    seconds: float = (end - step["StartTime"]).total_seconds()
    return seconds
