"""The actors that run steps: one that has become free is used again at once.

A new actor is a new process on its node, a second or more; the next step of a chain or a map takes
over the last one's in a few milliseconds. An actor holds the resources of its step, so one that is
free is kept for a moment only, and not at all when a step needs other resources.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from kinoloom.pipelines.local.resources import Resources

KEPT_S = 1.0


class Pool:
    """Actors by what they hold.

    Args:
        make: makes one that holds these resources.
        kill: ends one.
    """

    def __init__(self, make: Callable[[Resources], Any], kill: Callable[[Any], None]) -> None:
        self._make, self._kill = make, kill
        self._free: list[tuple[Resources, Any]] = []
        self._lock = threading.Lock()

    @contextmanager
    def one(self, needs: Resources) -> Iterator[Any]:
        """An actor for the length of the block; after an error it is not used again."""
        host = self._taken(needs) or self._make(needs)
        try:
            yield host
        except BaseException:
            self._kill(host)
            raise
        with self._lock:
            self._free.append((needs, host))
        timer = threading.Timer(KEPT_S, self._expire, (host,))
        timer.daemon = True
        timer.start()

    def _taken(self, needs: Resources) -> Any:
        """A free one that holds just this, if there is one; those that hold other things end."""
        with self._lock:
            fitting = [pair for pair in self._free if pair[0] == needs]
            others = [pair for pair in self._free if pair[0] != needs]
            self._free = fitting[:-1]
        for _, host in others:
            self._kill(host)
        return fitting[-1][1] if fitting else None

    def _expire(self, host: Any) -> None:
        with self._lock:
            left = [pair for pair in self._free if pair[1] is not host]
            unused, self._free = len(left) < len(self._free), left
        if unused:
            self._kill(host)
