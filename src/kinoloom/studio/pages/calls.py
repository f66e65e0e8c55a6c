"""Runs the calls of pages: light ones in threads, those of models in one process for each page."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from kinoloom.base.page import Call, Person
from kinoloom.studio.pages.catalogue import Pages
from kinoloom.studio.pages.context import Services
from kinoloom.studio.responses import RequestError
from kinoloom.studio.warm.process import CancelledRequestError, Request, WarmProcess

CALL_S = 60.0
"""A call in a thread must answer in this time."""
MODEL_S = 600.0
"""A call in a process must answer in this time, after which the process is ended."""
_THREADS = 16


@dataclass(frozen=True)
class Asked:
    """A call that a client asks for.

    Attributes:
        page: name of the page.
        name: of the call.
        options: plain values by name.
        person: who asks.
        latest: a newer call of the same key and person replaces this one; "" if none does.
    """

    page: str
    name: str
    options: Mapping[str, Any]
    person: Person
    latest: str = ""


class Calls:
    """Runs calls; its methods are for the event loop.

    Args:
        pages: all pages.
        services: for the contexts of calls.
        call_s: a call in a thread must answer in this time.
        model_s: a call in a process must.
    """

    def __init__(
        self,
        pages: Pages,
        services: Services,
        *,
        call_s: float = CALL_S,
        model_s: float = MODEL_S,
    ) -> None:
        self._pages, self._services = pages, services
        self._call_s, self._model_s = call_s, model_s
        self._threads = ThreadPoolExecutor(_THREADS, "call")
        self._processes: dict[str, WarmProcess] = {}
        self._latest: dict[tuple[str, str, str], asyncio.Task[Any]] = {}

    async def run(self, asked: Asked) -> Any:
        """Run a call and return its plain value, `Blob` or `Path`.

        Raises:
            KinoloomError: as the call does.
            CancelledRequestError: a newer call replaced this one.
            RequestError: there is no such call (404), the person may not use it (403), or it took
                too long (504).
        """
        call = await asyncio.to_thread(self._pages.call, asked.page, asked.name)
        if not asked.person.may(call.role):
            raise RequestError(403, f"Only people with the role {call.role} may do this.")
        options = call.build_options(asked.options)
        run = self._run_in_process if call.cost == "model" else self._run_in_thread
        running = run(call, options, asked)
        return await (self._replace(asked, running) if asked.latest else running)

    async def release_memory(self) -> None:
        """End the processes that are not answering a call."""
        idle = [one for one in self._processes.values() if not one.is_busy]
        await asyncio.gather(*(one.stop() for one in idle))

    async def close(self) -> None:
        """End all processes and wait for no thread."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        await asyncio.gather(*(one.stop() for one in self._processes.values()))

    async def _replace(self, asked: Asked, running: Coroutine[Any, Any, Any]) -> Any:
        """Run a call, and cancel an older one of the same key."""
        key = asked.page, asked.person.name, asked.latest
        if (older := self._latest.get(key)) is not None:
            older.cancel()
        task = self._latest[key] = asyncio.ensure_future(running)
        try:
            return await task
        except asyncio.CancelledError:
            current = asyncio.current_task()
            if current is not None and current.cancelling():
                task.cancel()
                raise
            raise CancelledRequestError from None
        finally:
            if self._latest.get(key) is task:
                del self._latest[key]

    async def _run_in_thread(self, call: Call, options: Any, asked: Asked) -> Any:
        loop = asyncio.get_running_loop()
        stop = threading.Event()
        context = self._services.build_context(asked.page, asked.person, loop, stop)
        try:
            running = loop.run_in_executor(self._threads, call, context, options)
            return await asyncio.wait_for(running, self._call_s)
        except TimeoutError:
            raise _overdue(self._call_s) from None
        finally:
            stop.set()

    async def _run_in_process(self, call: Call, options: Any, asked: Asked) -> Any:
        process = self._processes.get(asked.page)
        if process is None:
            process = WarmProcess(f"page {asked.page}", self._services.tree)
            self._processes[asked.page] = process
        request = Request(
            self._pages.call_path(asked.page, asked.name),
            asked.options,
            asked.person,
            self._services.answer(asked.page, asked.person),
        )
        try:
            return await asyncio.wait_for(process.call(request), self._model_s)
        except TimeoutError:
            await process.stop()
            raise _overdue(self._model_s) from None


def _overdue(seconds: float) -> RequestError:
    return RequestError(504, f"The page did not answer within {seconds:g} seconds.", "Try again.")
