"""The bus: numbered events on topics, of which the last 1,000 are kept.

A topic is text: "jobs", "files", "doc:PAGE/KIND/NAME", "feed:PAGE/NAME?OPTIONS". A listener that
falls more than 200 events behind gets one event instead: it must read everything again.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import secrets
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from kinoloom.base.provenance import to_jsonable

KEPT_EVENTS = 1_000
MAX_BEHIND = 200


@dataclass(frozen=True)
class Event:
    """One event.

    Attributes:
        number: ascending over all topics.
        topic: see the module.
        data: plain values.
    """

    number: int
    topic: str
    data: Mapping[str, Any]

    @cached_property
    def json(self) -> str:
        """Topic and data, encoded once for all listeners."""
        value = {"topic": self.topic, "data": to_jsonable(self.data)}
        return json.dumps(value, separators=(",", ":"))


RESYNC = Event(0, "resync", {})
"""What a listener gets that missed events: it must read the states again."""

TopicHook = Callable[[str], None]


class Bus:
    """Delivers events to listeners; `publish` may be called from any thread.

    Args:
        loop: of the server.

    Attributes:
        epoch: identifies this run of the server; numbers of another run mean nothing here.
        on_first, on_last: called with a topic when its first listener came and its last one left.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._numbers = itertools.count(1)
        self._kept: deque[Event] = deque(maxlen=KEPT_EVENTS)
        self._listeners: set[Listener] = set()
        self.epoch = secrets.token_hex(4)
        self.on_first: list[TopicHook] = []
        self.on_last: list[TopicHook] = []

    def publish(self, topic: str, data: Mapping[str, Any]) -> None:
        """Send an event to all listeners of a topic."""
        with suppress(RuntimeError):  # the loop is closed: the server has ended
            self._loop.call_soon_threadsafe(self._deliver, topic, data)

    def listen(self, topics: Sequence[str], after: int | None = None) -> Listener:
        """Return a listener, which gets the kept events after a number first."""
        known = self._topics()
        listener = Listener(self, topics)
        if after is not None:
            self._replay(listener, after)
        self._listeners.add(listener)
        for topic in set(topics) - known:
            for hook in self.on_first:
                hook(topic)
        return listener

    def leave(self, listener: Listener) -> None:
        """Remove a listener."""
        if listener not in self._listeners:
            return
        self._listeners.remove(listener)
        for topic in listener.topics - self._topics():
            for hook in self.on_last:
                hook(topic)

    def close(self) -> None:
        """End the streams of all listeners."""
        for listener in list(self._listeners):
            listener.put(None)

    @property
    def listener_count(self) -> int:
        """The number of listeners."""
        return len(self._listeners)

    def _topics(self) -> set[str]:
        return set().union(*(listener.topics for listener in self._listeners))

    def _deliver(self, topic: str, data: Mapping[str, Any]) -> None:
        event = Event(next(self._numbers), topic, data)
        self._kept.append(event)
        for listener in self._listeners:
            if topic in listener.topics:
                listener.put(event)

    def _replay(self, listener: Listener, after: int) -> None:
        newest = self._kept[-1].number if self._kept else 0
        oldest = self._kept[0].number if self._kept else 1
        if after > newest or after < oldest - 1:
            listener.put(RESYNC)
            return
        for event in self._kept:
            if event.number > after and event.topic in listener.topics:
                listener.put(event)


class Listener:
    """A queue of events for one stream."""

    def __init__(self, bus: Bus, topics: Sequence[str]) -> None:
        self._bus = bus
        self.topics = frozenset(topics)
        self._queue: asyncio.Queue[Event | None] = asyncio.Queue()

    def put(self, event: Event | None) -> None:
        """Add an event, or None at the end; replace all by one `RESYNC` if there are too many."""
        if event is not None and self._queue.qsize() >= MAX_BEHIND:
            while not self._queue.empty():
                self._queue.get_nowait()
            event = RESYNC
        self._queue.put_nowait(event)

    async def get(self, timeout_s: float) -> Event | None:
        """Return the next event, or None at the end.

        Raises:
            TimeoutError: there was none in time.
        """
        async with asyncio.timeout(timeout_s):  # cheaper than a task of its own for each event
            return await self._queue.get()

    def close(self) -> None:
        """Stop listening."""
        self._bus.leave(self)
