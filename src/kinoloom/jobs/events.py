"""Events of a job: progress, notes and the end, appended to a file as lines of JSON.

    {"event": "start", "pid": 71, "started": "48213", "time": 1764324000.5}
    {"event": "progress", "done": 120, "total": 480, "rate": 24.0, "time": ...}
    {"event": "note", "level": "warning", "message": "..."}
    {"event": "end", "state": "done", ...}

A thread writes them, at most four times a second: the first one at once, later ones together. It
then writes one byte to a named pipe, the bell, so that a server which listens reads them at once.
"""

from __future__ import annotations

import json
import os
import queue
import threading
import time
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

FLUSH_S = 0.25
"""Events are written at most once in this time."""
_WINDOW_S = 10.0
"""The rate is the mean over this time."""
_LAST_S = 2.0
"""A disk that does not answer must not keep the process."""
_RESERVE_BYTES = 16_384
"""Kept free for the last events, so that a job on a full disk can report that it is full."""

Event = Mapping[str, Any]


class RateMeter:
    """The rate of a job: items per second over the last ten seconds."""

    def __init__(self) -> None:
        self._samples: deque[tuple[float, int]] = deque()

    def add(self, time_s: float, done: int) -> float | None:
        """Add a sample and return the rate, or None if it is not known yet."""
        samples = self._samples
        if samples and done < samples[-1][1]:
            samples.clear()  # another part of the work counts from the start
        samples.append((time_s, done))
        while len(samples) > 2 and samples[1][0] <= time_s - _WINDOW_S:
            samples.popleft()
        (first_s, first), (last_s, last) = samples[0], samples[-1]
        return (last - first) / (last_s - first_s) if last_s > first_s else None

    def reset(self) -> None:
        """Forget the samples: the process was paused."""
        self._samples.clear()


class EventWriter:
    """Appends events to a file; a context manager that writes all of them before it ends.

    Methods may be called from a signal's handler or be interrupted by one: they take no lock.

    Args:
        file: of the events.
        bell: a named pipe that is rung after each write, if a process listens to it.
    """

    def __init__(self, file: Path, bell: Path) -> None:
        self._file, self._bell = file, bell
        self._reserve = file.with_name("reserve")
        self._waiting: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        self._progress: Event | None = None
        self._is_marked = False
        self._has_end = False
        self.rate = RateMeter()
        self._unwritten = b""
        self._thread = threading.Thread(target=self._run, name="events", daemon=True)

    def __enter__(self) -> EventWriter:
        """Open the file."""
        with suppress(OSError):  # a full disk: the job itself reports it
            self._reserve.write_bytes(bytes(_RESERVE_BYTES))
        if self._file.exists() and not self._file.read_bytes().endswith(b"\n"):
            self._unwritten = b"\n"  # a killed process left half a line
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        """Write what is left."""
        self._waiting.put(None)
        self._thread.join()

    def end_now(self, **values: Any) -> None:
        """Add the last event, if none was added, and write all; the process exits afterwards."""
        if not self._has_end:
            self.add("end", **values)
        self._waiting.put(None)
        self._thread.join(_LAST_S)

    def add(self, event: str, **values: Any) -> None:
        """Add an event that is kept."""
        self._has_end = self._has_end or event == "end"
        self._waiting.put({"event": event, **values})

    def progress(self, done: int, total: int | None) -> None:
        """Add progress; only the newest is written."""
        rate = self.rate.add(time.monotonic(), done)
        counts = {"done": done, "total": total, "rate": rate}
        self._progress = {"event": "progress", **counts, "time": time.time()}
        if not self._is_marked:
            self._is_marked = True
            self._waiting.put({})

    def _run(self) -> None:
        last_s = -FLUSH_S
        is_open = True
        while is_open:
            events = [self._waiting.get()]
            while events[-1] is not None and (left := last_s + FLUSH_S - time.monotonic()) > 0:
                with suppress(queue.Empty):
                    events.append(self._waiting.get(timeout=left))
            is_open = events[-1] is not None
            last_s = time.monotonic()
            self._write([event for event in events if event])
        self._reserve.unlink(missing_ok=True)

    def _write(self, events: list[Event]) -> None:
        self._is_marked = False
        progress, self._progress = self._progress, None
        ordered = [*([progress] if progress else []), *events]
        lines = "".join(json.dumps(event, separators=(",", ":")) + "\n" for event in ordered)
        self._unwritten += lines.encode()
        try:
            self._append()
        except OSError:  # probably a full disk: the reserve makes room for the rest
            self._reserve.unlink(missing_ok=True)
            with suppress(OSError):  # the next call tries again
                self._append()
        self._ring()

    def _append(self) -> None:
        with self._file.open("ab", buffering=0) as file:
            while self._unwritten:
                self._unwritten = self._unwritten[file.write(self._unwritten) :]

    def _ring(self) -> None:
        with suppress(OSError):  # nobody listens now
            bell = os.open(self._bell, os.O_WRONLY | os.O_NONBLOCK)
            try:
                os.write(bell, b"\0")
            finally:
                os.close(bell)
