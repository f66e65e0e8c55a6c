"""GET /events: the topics of the query as a stream of server-sent events."""

from __future__ import annotations

from collections.abc import AsyncIterator

from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Route

from kinoloom.studio.core import person_of, studio_of
from kinoloom.studio.events.bus import Bus, Event, Listener
from kinoloom.studio.responses import RequestError

MAX_LISTENERS = 64
COMMENT_S = 15.0
"""A comment is sent after this long without an event, so that a broken connection is noticed."""


async def stream_events(request: Request) -> StreamingResponse:
    """Stream the events of the topics `topic`, after `after` or the header Last-Event-ID."""
    studio, person = studio_of(request), person_of(request)
    bus = studio.bus
    if bus.listener_count >= MAX_LISTENERS:
        raise RequestError(503, f"More than {MAX_LISTENERS} listeners.", "Close some tabs.")
    last = request.headers.get("last-event-id") or request.query_params.get("after", "")
    topics = request.query_params.getlist("topic")
    failures = {topic: studio.feeds.find_fault(topic, person) for topic in topics}
    usable = [topic for topic, failure in failures.items() if failure is None]
    listener = bus.listen(usable, _parse_number(bus, last))
    for topic, failure in failures.items():
        if failure is not None:  # the other topics are not affected
            listener.put(Event(0, topic, {"failure": failure}))
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    return StreamingResponse(_write(bus, listener), media_type="text/event-stream", headers=headers)


async def _write(bus: Bus, listener: Listener) -> AsyncIterator[str]:
    try:
        yield f": kinoloom {bus.epoch}\n\n"
        while True:
            try:
                event = await listener.get(COMMENT_S)
            except TimeoutError:
                yield ":\n\n"
                continue
            if event is None:
                return
            yield _format(bus, event)
    finally:
        listener.close()


def _format(bus: Bus, event: Event) -> str:
    number = f"id: {bus.epoch}-{event.number}\n" if event.number else ""
    return f"{number}data: {event.json}\n\n"


def _parse_number(bus: Bus, text: str) -> int | None:
    """Return the number of an event's id; that of another run of the server is too high."""
    if not text:
        return None
    epoch, _, number = text.partition("-")
    if epoch != bus.epoch or not number.isascii() or not number.isdigit():
        return 2**63
    return int(number)


ROUTES = [Route("/events", stream_events)]
