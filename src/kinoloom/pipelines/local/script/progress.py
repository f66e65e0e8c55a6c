"""The progress of an execution as lines on standard error."""

from __future__ import annotations

import contextlib
import sys
import threading

from kinoloom.base.printable import printable
from kinoloom.pipelines.local.jobs.outcome import Outcome, Status


class Progress:
    """The progress of one execution; nothing is printed before `show` or `announce`.

    Its methods may be called from any thread.

    Args:
        pipeline: The pipeline's name.
        execution: The execution's id.
    """

    def __init__(self, pipeline: str, execution: str) -> None:
        self._execution = execution
        self._lock = threading.Lock()
        self._lines = [f"Pipeline '{pipeline}': execution {execution} started."]
        self._end = ""
        self._is_shown = self._is_announced = False

    def start_step(self, name: str) -> None:
        """Report the start of a step."""
        self._add(f"Step '{name}' started.")

    def end_step(self, name: str, outcome: Outcome, duration_s: float) -> None:
        """Report the end of a step."""
        if outcome.source:
            self._add(f"Step '{name}': {outcome.cache}.")
            return
        reason = outcome.reason.partition("\n")[0]
        how = f" after {duration_s:.1f} s" if outcome.status is Status.SUCCEEDED else f": {reason}"
        self._add(f"Step '{name}' {outcome.status.value.lower()}{how}")

    def end(self, status: str, reason: str) -> None:
        """Report the end of the execution, with the reason of a failure."""
        line = f"Pipeline execution {self._execution} {status.upper()}"
        with self._lock:
            self._end = f"{line}: {reason}" if status == "Failed" else line
            if self._is_announced:
                _print(self._end)

    def show(self) -> None:
        """Print the lines so far, and all that follow at once."""
        with self._lock:
            if not self._is_shown:
                self._is_shown = True
                _print(*self._lines)
        self.announce()

    def announce(self) -> None:
        """Print the last line when the execution ends, or now if it has ended."""
        with self._lock:
            if not self._is_announced:
                self._is_announced = True
                _print(*filter(None, [self._end]))

    def _add(self, line: str) -> None:
        with self._lock:
            self._lines.append(line)
            if self._is_shown:
                _print(line)


def _print(*lines: str) -> None:
    """Print lines on standard error, if the script still has one."""
    if sys.stderr is None or not lines:
        return
    with contextlib.suppress(OSError, ValueError):  # it was closed
        sys.stderr.write("".join(f"{printable(line)}\n" for line in lines))
        sys.stderr.flush()
