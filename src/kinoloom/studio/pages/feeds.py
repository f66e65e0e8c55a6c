"""Runs the feeds of pages while someone listens: "feed:PAGE/NAME?OPTIONS" on the bus.

Besides what the feed yields, listeners get {"ended": true} at its end, and {"failure": {error,
hint}} when it fails.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from kinoloom.base.page import Context, Feed, Person
from kinoloom.errors import KinoloomError
from kinoloom.studio.events.bus import Bus
from kinoloom.studio.pages.catalogue import Pages
from kinoloom.studio.pages.context import Services
from kinoloom.studio.responses import RequestError, describe_error, parse_object
from kinoloom.studio.warm.process import Request, WarmProcess

PREFIX = "feed:"
GRACE_S = 2.0
"""A feed continues this long without listeners: a tab that changes its topics reconnects."""
MAX_FEEDS = 100
MIN_INTERVAL_S = 0.02
"""Between two events of a feed; a faster one waits."""
AUDIENCE = Person("audience", "viewer")
"""The person of a feed's context: its listeners share it."""


@dataclass(frozen=True)
class Topic:
    """What a topic of a feed requests."""

    page: str
    name: str
    options: Mapping[str, Any]


@dataclass
class _Running:
    """A feed that runs; its listeners may have left a moment ago."""

    stop: threading.Event
    task: asyncio.Task[None] | None = None
    leaving: asyncio.TimerHandle | None = None


class Feeds:
    """Starts and stops feeds; its methods are for the event loop.

    Args:
        pages: all pages.
        services: for the contexts of feeds.
        bus: carries their events.
    """

    def __init__(self, pages: Pages, services: Services, bus: Bus) -> None:
        self._pages, self._services, self._bus = pages, services, bus
        self._running: dict[str, _Running] = {}
        bus.on_first.append(self._join)
        bus.on_last.append(self._leave)

    @property
    def count(self) -> int:
        """The number of feeds that run."""
        return len(self._running)

    def find_fault(self, topic: str, person: Person) -> Mapping[str, Any] | None:
        """Return why a person cannot listen to a topic, as plain values, or None."""
        if not topic.startswith(PREFIX):
            return None
        try:
            wanted = parse_topic(topic)
            feed = self._pages.feed(wanted.page, wanted.name)
            feed.build_options(wanted.options)
            if not person.may(feed.role):
                raise RequestError(403, f"Only people with the role {feed.role} may see this.")
            if topic not in self._running and self.count >= MAX_FEEDS:
                raise RequestError(503, f"More than {MAX_FEEDS} feeds.", "Close some tabs.")
        except (RequestError, KinoloomError) as error:
            return describe_error(error)[1]
        return None

    async def close(self) -> None:
        """Stop all feeds."""
        tasks = [one.task for one in self._running.values() if one.task is not None]
        for topic in list(self._running):
            self._stop(topic)
        await asyncio.gather(*tasks, return_exceptions=True)

    def _join(self, topic: str) -> None:
        if not topic.startswith(PREFIX):
            return
        running = self._running.get(topic)
        if running is not None:
            if running.leaving is not None:
                running.leaving.cancel()
            return
        running = self._running[topic] = _Running(threading.Event())
        wanted = parse_topic(topic)
        feed = self._pages.feed(wanted.page, wanted.name)
        loop = asyncio.get_running_loop()
        if feed.cost == "model":
            running.task = loop.create_task(self._run_process(topic, wanted, running))
            return
        context = self._services.build_context(wanted.page, AUDIENCE, loop, running.stop)
        name = f"feed {wanted.page}/{wanted.name}"
        arguments = topic, feed, context, feed.build_options(wanted.options), running.stop
        threading.Thread(target=self._run, args=arguments, name=name, daemon=True).start()

    def _leave(self, topic: str) -> None:
        running = self._running.get(topic)
        if running is not None:
            loop = asyncio.get_running_loop()
            running.leaving = loop.call_later(GRACE_S, self._stop, topic)

    def _stop(self, topic: str) -> None:
        running = self._running.pop(topic, None)
        if running is not None:
            running.stop.set()
            if running.task is not None:
                running.task.cancel()

    def _run(
        self, topic: str, feed: Feed, context: Context, options: Any, stop: threading.Event
    ) -> None:
        """Publish what a feed yields; in a thread of its own."""
        try:
            events = feed(context, options)
            try:
                self._publish_all(topic, events, stop)
            finally:
                close = getattr(events, "close", None)
                if close is not None:
                    close()
        except Exception as error:  # noqa: BLE001  the listeners see it
            self._bus.publish(topic, {"failure": describe_error(error)[1]})

    def _publish_all(
        self, topic: str, events: Iterator[Mapping[str, Any]], stop: threading.Event
    ) -> None:
        next_s = 0.0
        for event in events:
            if stop.wait(max(next_s - time.monotonic(), 0)):
                return
            next_s = time.monotonic() + MIN_INTERVAL_S
            self._bus.publish(topic, event)
        if not stop.is_set():
            self._bus.publish(topic, {"ended": True})

    async def _run_process(self, topic: str, wanted: Topic, running: _Running) -> None:
        """Publish what a feed yields in a process of its own."""
        process = WarmProcess(f"feed {wanted.page}/{wanted.name}", self._services.tree)
        request = Request(
            self._pages.feed_path(wanted.page, wanted.name),
            wanted.options,
            AUDIENCE,
            self._services.answer(wanted.page, AUDIENCE),
            lambda event: self._bus.publish(topic, event),
        )
        try:
            await process.call(request)
            self._bus.publish(topic, {"ended": True})
        except (RequestError, KinoloomError) as error:
            self._bus.publish(topic, {"failure": describe_error(error)[1]})
        finally:
            with suppress(asyncio.CancelledError):
                await process.stop()


def parse_topic(topic: str) -> Topic:
    """Return what a topic of a feed requests.

    Raises:
        RequestError: it is malformed.
    """
    address, _, options = topic.removeprefix(PREFIX).partition("?")
    page, slash, name = address.partition("/")
    if not slash:
        raise RequestError(404, f"'{topic}' is not the topic of a feed.", "feed:PAGE/NAME?OPTIONS")
    text = unquote(options) if options.startswith("%") else options
    return Topic(page, name, parse_object(text.encode("utf-8", "surrogatepass") or b"{}"))
