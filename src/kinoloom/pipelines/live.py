"""A table of the steps of an execution, on a terminal, while it runs."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.table import Table

    from kinoloom.pipelines.protocols import Execution

_COLOURS = {
    "Executing": "yellow", "Succeeded": "green", "Failed": "red", "Stopped": "magenta",
}  # fmt: skip
_A_SECOND = 4


@contextmanager
def watched(execution: Execution) -> Iterator[None]:
    """Show the table while the block runs, where standard error is a terminal."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console
    from rich.live import Live

    with Live(
        get_renderable=lambda: table_of(execution),
        console=Console(stderr=True),
        refresh_per_second=_A_SECOND,
        transient=True,
    ):
        yield


def table_of(execution: Execution) -> Table:
    """The table as it is now."""
    from rich.table import Table
    from rich.text import Text

    table = Table(title=f"execution {execution.id}: {execution.status}")
    for column in ("step", "status", "seconds", "why"):
        table.add_column(column, justify="right" if column == "seconds" else "left")
    for step in execution.list_steps():
        status = step["StepStatus"]
        why = step.get("CacheExplanation") or step.get("FailureReason", "")
        table.add_row(
            Text(step["StepName"]),
            Text(status, style=_COLOURS.get(status, "")),
            f"{seconds_of(step):.1f}",
            Text(why.partition("\n")[0]),
        )
    return table


def seconds_of(step: dict[str, Any]) -> float:
    """How long a step took, or has taken so far."""
    taken: float = (step.get("EndTime", datetime.now(UTC)) - step["StartTime"]).total_seconds()
    return taken
