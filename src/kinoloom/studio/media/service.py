"""The media service: open files, warm processes and the cache, for the handlers of requests.

Three processes share the work, so that none waits for slower work of another kind: one draws
thumbnails and finds facts, one keeps the decoders of videos open for single frames, and one reads
whole sounds.
"""

from __future__ import annotations

import asyncio
import os
import typing
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from typing import Any, Literal, TypeVar

from starlette.requests import Request

from kinoloom.base.page import Person
from kinoloom.errors import ExecutionError
from kinoloom.studio.core import Studio, studio_of
from kinoloom.studio.media.cache import Cache
from kinoloom.studio.media.proxies import Proxies
from kinoloom.studio.media.sending import wait_for_leave
from kinoloom.studio.media.versions import Version
from kinoloom.studio.responses import RequestError
from kinoloom.studio.warm import process as warm

T = TypeVar("T")
Worker = Literal["pictures", "frames", "sounds"]
TIMEOUT_S = 120.0
"""A function that takes longer has met a file that never ends; its process is ended."""
_KEPT_ANSWERS = 2_000
_LASTING = (415, 504)
"""Errors that the same content would cause again."""


@dataclass(frozen=True)
class OpenFile:
    """A file of the studio's folders that is open while a request is answered.

    Attributes:
        text: its path, as pages write it.
        descriptor: of the open file.
        version: of its content.
    """

    text: str
    descriptor: int
    version: Version

    @property
    def name(self) -> str:
        """The last part of its path."""
        return self.text.rpartition("/")[2]


@dataclass(frozen=True)
class _Failure:
    """An error that is raised again, always as a new exception."""

    status: int
    message: str
    hint: str

    def again(self) -> RequestError:
        return RequestError(self.status, self.message, self.hint)


class MediaService:
    """What the handlers of a studio share.

    Args:
        studio: the running studio.

    Attributes:
        cache: of thumbnails, peaks and proxies.
        proxies: being written.
    """

    def __init__(self, studio: Studio) -> None:
        self.cache = Cache(studio.cache_folder / "media")
        self.proxies = Proxies(self.cache, studio.bus)
        self._workers: dict[Worker, warm.WarmProcess] = {
            name: warm.WarmProcess(name, studio.tree) for name in typing.get_args(Worker)
        }
        self._running: dict[tuple[str, ...], asyncio.Task[Any]] = {}
        self._answers: OrderedDict[tuple[str, ...], Any] = OrderedDict()

    async def close(self) -> None:
        """End the processes."""
        await self.proxies.close()
        for worker in self._workers.values():
            await worker.stop()

    async def call(
        self,
        worker: Worker,
        function: str,
        file: OpenFile,
        person: Person,
        **options: Any,
    ) -> Any:
        """Run a function of `studio.tools` on a file.

        Args:
            worker: the process.
            function: "module:name" in `kinoloom.studio.tools`.
            file: the file.
            person: who asked.
            **options: of the function.

        Raises:
            RequestError: as the function reports; 503 if the process ended, 504 if it took too
                long.
        """
        given = {"path": file.text, "version": astuple(file.version), **options}
        request = warm.Request(f"kinoloom.studio.tools.{function}", given, person)
        try:
            return await asyncio.wait_for(self._workers[worker].call(request), TIMEOUT_S)
        except TimeoutError as error:
            await self._workers[worker].stop()
            raise RequestError(
                504, f"Reading '{file.text}' took longer than {TIMEOUT_S:.0f} s."
            ) from error
        except ExecutionError as error:
            raise RequestError(503, error.message, error.hint) from error

    async def share(self, key: tuple[str, ...], run: Callable[[], Awaitable[T]]) -> T:
        """Run something once for all requests that need it at the same time."""
        task = self._running.get(key)
        if task is None:
            task = asyncio.ensure_future(run())
            self._running[key] = task
            task.add_done_callback(lambda done: self._forget(key, done))
        result: T = await asyncio.shield(task)
        return result

    async def remember(self, key: tuple[str, ...], run: Callable[[], Awaitable[T]]) -> T:
        """Run as `share`, and keep the answer."""
        if key not in self._answers:
            self._keep(key, await self.share(key, run))
        kept: T = self._answers[key]
        return kept

    async def remember_failure(
        self, file: OpenFile, name: str, run: Callable[[], Awaitable[T]]
    ) -> T:
        """Run as `share`; for a file that cannot be read, keep the error instead of trying again.

        Args:
            file: the file.
            name: of what is made from it.
            run: makes it.
        """
        key = (name, file.version.key, file.text)
        if key in self._answers:
            raise self._answers[key].again()
        try:
            return await self.share(key, run)
        except RequestError as error:
            if error.status in _LASTING:
                self._keep(key, _Failure(error.status, error.message, error.hint))
            raise

    def _keep(self, key: tuple[str, ...], answer: Any) -> None:
        self._answers[key] = answer
        while len(self._answers) > _KEPT_ANSWERS:
            self._answers.popitem(last=False)

    def _forget(self, key: tuple[str, ...], done: asyncio.Task[Any]) -> None:
        self._running.pop(key, None)
        if not done.cancelled():
            done.exception()  # every request may have left before it ended


def service_of(request: Request) -> MediaService:
    """Return the media service of a studio, which starts with the first request."""
    state = request.app.state
    if not hasattr(state, "media"):
        studio = studio_of(request)
        state.media = MediaService(studio)
        studio.closing.append(state.media.close)
    service: MediaService = state.media
    return service


@contextmanager
def open_file(request: Request, text: str | None = None) -> Iterator[OpenFile]:
    """Open the file of a request while a block runs.

    Args:
        request: names the file in its query, as `path`.
        text: the path; None to read it from the query.

    Raises:
        RequestError: the query names no file (422).
        InputNotFoundError: there is no such file.
    """
    if text is None:
        text = request.query_params.get("path")
    if not text:
        raise RequestError(422, "The address names no file.", "Add ?path=FILE.")
    descriptor = studio_of(request).tree.open(text)
    try:
        yield OpenFile(text, descriptor, Version.of(descriptor))
    finally:
        os.close(descriptor)


async def until_left(request: Request, work: Awaitable[T]) -> T:
    """Wait for something, and cancel it when the browser has left.

    Raises:
        RequestError: the browser has left (499); nobody reads it.
    """
    task = asyncio.ensure_future(work)
    leaving = asyncio.ensure_future(wait_for_leave(request.receive))
    try:
        await asyncio.wait({task, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise RequestError(499, "The browser has closed the connection.")
        return task.result()
    finally:
        task.cancel()
        leaving.cancel()


def read_number(
    query: Mapping[str, str], name: str, default: int | None, low: int, high: int
) -> int:
    """Return a whole number of a query.

    Raises:
        RequestError: it is missing without a default, not a number, or out of range (422).
    """
    text = query.get(name, "")
    if not text and default is not None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 16 and low <= int(text) <= high):
        raise RequestError(422, f"{name} is '{text}': expected a number from {low} to {high}.")
    return int(text)
