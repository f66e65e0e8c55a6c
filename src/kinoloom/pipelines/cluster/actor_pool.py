"""A pool of the actors that run steps.

A new actor is a new process on its node and takes a second or more; a free actor runs the next step
of a chain or a map within a few milliseconds. An actor holds its step's resources, so a free actor
is kept only briefly, and not at all if a step needs other resources.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from kinoloom.pipelines.local.jobs.resources import Resources

IDLE_S = 1.0


class ActorPool:
    """Actors by the resources that they hold.

    Args:
        create: Creates an actor with resources.
        kill: Kills an actor.
    """

    def __init__(self, create: Callable[[Resources], Any], kill: Callable[[Any], None]) -> None:
        self._create, self._kill = create, kill
        self._free: list[tuple[Resources, Any]] = []
        self._lock = threading.Lock()

    @contextmanager
    def acquire(self, resources: Resources) -> Iterator[Any]:
        """Provide an actor for the block; after an error it is killed."""
        actor = self._take(resources) or self._create(resources)
        try:
            yield actor
        except BaseException:
            self._kill(actor)
            raise
        with self._lock:
            self._free.append((resources, actor))
        timer = threading.Timer(IDLE_S, self._expire, (actor,))
        timer.daemon = True
        timer.start()

    def _take(self, resources: Resources) -> Any:
        """Return a free actor with exactly these resources, or None, and kill the others."""
        with self._lock:
            fitting = [pair for pair in self._free if pair[0] == resources]
            others = [pair for pair in self._free if pair[0] != resources]
            self._free = fitting[:-1]
        for _, actor in others:
            self._kill(actor)
        return fitting[-1][1] if fitting else None

    def _expire(self, actor: Any) -> None:
        with self._lock:
            remaining = [pair for pair in self._free if pair[1] is not actor]
            was_free, self._free = len(remaining) < len(self._free), remaining
        if was_free:
            self._kill(actor)
