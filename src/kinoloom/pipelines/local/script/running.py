"""An execution that this process runs."""

from __future__ import annotations

import os
import signal
import threading

from kinoloom.pipelines.local.script.progress import Progress
from kinoloom.pipelines.local.storage.stop_requests import StopListener


class Running:
    """An execution that this process runs, for all who wait for it or stop it.

    Args:
        progress: Its progress.
        listener: Receives its stop requests.

    Attributes:
        progress: The argument.
        finished: Set when the engine has ended. It is waited for instead of the engine's thread:
            Python 3.11 takes a thread for finished when an interrupt ends `Thread.join`.
        is_observed: Whether the script has waited for the end, or seen it.
        is_unattended: Whether the script has ended without waiting for it.
        signal: The signal that stopped it; None if none did.
        is_stored: Whether the state has its end, once it has finished.
    """

    def __init__(self, progress: Progress, listener: StopListener) -> None:
        self.progress = progress
        self.finished = threading.Event()
        self.is_observed = False
        self.is_unattended = False
        self.signal: signal.Signals | None = None
        self.is_stored = True
        self._listener = listener
        self._pid = os.getpid()
        self._end = ("", "")

    @property
    def is_own(self) -> bool:
        """Whether this process started it; a forked process inherits the object."""
        return self._pid == os.getpid()

    @property
    def end(self) -> tuple[str, str]:
        """The final status and its reason, both "" before the end."""
        return self._end

    def finish(self, status: str, reason: str, *, is_stored: bool) -> None:
        """Record the end, and whether the state has it too."""
        self._end = status, reason
        self.is_stored = is_stored
        self.progress.end(status, reason)
        self.finished.set()

    def wait(self, limit_s: float | None = None) -> None:
        """Wait for the end, at most `limit_s` seconds.

        Raises:
            KeyboardInterrupt, SystemExit: A signal stopped the execution; it has ended.
        """
        self.is_observed = True
        try:
            self.finished.wait(limit_s)
        except (KeyboardInterrupt, SystemExit):
            self.stop()
            while not self.finished.is_set():
                try:
                    self.finished.wait()
                except (KeyboardInterrupt, SystemExit):
                    self.kill()
            raise

    def stop(self) -> None:
        """Stop the execution: no step starts, running steps are terminated."""
        self._listener.stop()

    def kill(self) -> None:
        """Kill the running steps of a stopped execution and do not wait for other work."""
        self._listener.kill()

    def interrupt(self, number: signal.Signals) -> None:
        """Stop the execution at the first call, kill its steps at the second.

        A signal handler may call it: it takes no lock.
        """
        if self.signal is not None:
            self.kill()
        self.signal = number
        self.stop()
