"""A warm process, as the server sees it: it starts with the first request and ends when idle.

A process of a page keeps its models loaded between calls. The server itself imports no heavy
library: what needs one is a function that runs in a warm process.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kinoloom.base.page import Blob, Person
from kinoloom.errors import ExecutionError
from kinoloom.studio.folders.tree import Tree
from kinoloom.studio.responses import RequestError, describe_error
from kinoloom.studio.warm import messages

IDLE_S = 300.0
"""A process ends after this long without a request."""
_STOP_S = 5.0

Ask = Callable[[str, Mapping[str, Any]], Awaitable[Any]]
"""Answers what a function in the process asks of the server: (name, values) -> plain value."""


class CancelledRequestError(RequestError):
    """A request that a newer one replaced, or for which no one waits any more."""

    def __init__(self) -> None:
        super().__init__(409, "The request was cancelled.")


@dataclass(frozen=True)
class Request:
    """What a warm process runs.

    Attributes:
        path: "module:attribute" of a `Call` or `Feed` of a page, or of a function
            (context, **options).
        options: plain values by name.
        person: who asked.
        ask: answers the process; None if the function asks nothing.
        emit: receives what a `Feed` yields.
    """

    path: str
    options: Mapping[str, Any]
    person: Person
    ask: Ask | None = None
    emit: Callable[[Mapping[str, Any]], None] | None = None


_ENVIRONMENT = {"OPENBLAS_NUM_THREADS": "1"}
"""Small matrix products of many threads wait for each other where the cores are busy with jobs."""


class WarmProcess:
    """One child process that answers requests in order.

    Args:
        name: for the process list and its log.
        tree: the folders of the studio.
    """

    def __init__(self, name: str, tree: Tree, *, idle_s: float = IDLE_S) -> None:
        self._name, self._tree, self._idle_s = name, tree, idle_s
        self._numbers = itertools.count(1)
        self._waiting: dict[int, _Waiting] = {}
        self._latest: dict[str, int] = {}
        self._starting = asyncio.Lock()
        self._connection: _Connection | None = None
        self._idle: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def pid(self) -> int | None:
        """The id of the process while it runs."""
        return self._connection.process.pid if self._connection else None

    @property
    def is_busy(self) -> bool:
        """Whether it is answering a request."""
        return bool(self._waiting)

    async def call(self, request: Request, *, latest: str = "") -> Any:
        """Run a function in the process and return its plain value, `Blob` or `Path`.

        Args:
            request: what to run.
            latest: requests of one such key replace each other: the newest cancels the others.

        Raises:
            KinoloomError: as the function does.
            CancelledRequestError: a newer request of the key replaced it.
            ExecutionError: the process ended.
        """
        connection = await self._connect()
        number = next(self._numbers)
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting[number] = _Waiting(answer, request, connection)
        if latest:
            self._cancel(self._latest.get(latest))
            self._latest[latest] = number
        connection.send(
            {
                "number": number,
                "path": request.path,
                "options": request.options,
                "person": {"name": request.person.name, "role": request.person.role},
            }
        )
        try:
            return await answer
        finally:
            if not answer.done() or answer.cancelled():
                connection.send({"cancel": number})
            self._waiting.pop(number, None)
            if latest and self._latest.get(latest) == number:
                del self._latest[latest]
            self._schedule_end()

    async def stop(self) -> None:
        """End the process."""
        if self._idle is not None:
            self._idle.cancel()
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    def _cancel(self, number: int | None) -> None:
        if number is None or number not in self._waiting:
            return
        one = self._waiting[number]
        one.connection.send({"cancel": number})
        if not one.answer.done():
            one.answer.set_exception(CancelledRequestError())

    def _schedule_end(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
        if not self._waiting and self._connection is not None:
            loop = asyncio.get_running_loop()
            self._idle = loop.call_later(self._idle_s, lambda: loop.create_task(self.stop()))

    async def _connect(self) -> _Connection:
        async with self._starting:
            if self._idle is not None:
                self._idle.cancel()
            if self._connection is None:
                self._connection = await _start(self._name, self._tree, self._receive, self._lose)
            return self._connection

    def _receive(self, values: dict[str, Any], data: bytes) -> None:
        number = values["number"]
        if number not in self._waiting:
            return
        one = self._waiting[number]
        answer, request = one.answer, one.request
        if "ask" in values:
            task = asyncio.get_running_loop().create_task(self._answer(values, one))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        elif "event" in values:
            if request.emit is not None and not answer.done():
                request.emit(values["event"])
        elif answer.done():
            return
        elif "error" in values:
            answer.set_exception(_rebuild_error(values))
        else:
            answer.set_result(_rebuild_value(values, data))

    async def _answer(self, values: dict[str, Any], one: _Waiting) -> None:
        """Answer what a function in the process asks."""
        reply: dict[str, Any] = {"reply": values["number"]}
        try:
            if one.request.ask is None:
                raise ExecutionError("This function may not ask the studio for anything.")
            reply["value"] = await one.request.ask(values["ask"], values["values"])
        except Exception as error:  # noqa: BLE001  the function gets every error
            status, content = describe_error(error)
            reply |= {"status": status, **content, "kind": type(error).__name__}
        one.connection.send(reply)

    def _lose(self, process: subprocess.Popen[bytes]) -> None:
        """All requests to a process fail when it ends."""
        if self._connection is not None and self._connection.process is process:
            self._connection = None
        for one in self._waiting.values():
            if not one.answer.done() and one.connection.process is process:
                one.answer.set_exception(
                    ExecutionError(
                        f"The process of '{self._name}' ended. It may have used up the memory.",
                        hint="Try again, with smaller files if it happens again.",
                    )
                )


class _Connection:
    """The socket to a running process."""

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        writer: asyncio.StreamWriter,
        reading: asyncio.Task[None],
    ) -> None:
        self.process, self._writer = process, writer
        self._reading = reading  # the loop itself does not keep its tasks

    def send(self, values: Mapping[str, Any]) -> None:
        with suppress(ConnectionError, RuntimeError):  # `_lose` reports the end of the process
            self._writer.write(messages.pack(values))

    async def close(self) -> None:
        self._writer.close()
        for number, seconds in ((signal.SIGTERM, _STOP_S), (signal.SIGKILL, _STOP_S)):
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)
            with suppress(subprocess.TimeoutExpired):
                await asyncio.to_thread(self.process.wait, seconds)
                return


@dataclass
class _Waiting:
    """A request that waits for its answer."""

    answer: asyncio.Future[Any]
    request: Request
    connection: _Connection


async def _start(
    name: str,
    tree: Tree,
    receive: Callable[[dict[str, Any], bytes], None],
    lose: Callable[[subprocess.Popen[bytes]], None],
) -> _Connection:
    ours, theirs = socket.socketpair()
    roots = [part for label, root in tree.roots.items() for part in (label, str(root))]
    process = subprocess.Popen(
        [sys.executable, "-m", "kinoloom.studio.warm.child", name, str(theirs.fileno()), *roots],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        pass_fds=[theirs.fileno()],
        start_new_session=True,
        env={**_ENVIRONMENT, **os.environ},
    )
    theirs.close()
    reader, writer = await asyncio.open_connection(sock=ours)

    async def read_all() -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readexactly(messages.HEAD_BYTES)
                text, data = messages.lengths(head)
                values = messages.parse(await reader.readexactly(text))
                receive(values, await reader.readexactly(data))
        lose(process)
        writer.close()
        await asyncio.to_thread(process.wait)

    return _Connection(process, writer, asyncio.get_running_loop().create_task(read_all()))


def _rebuild_error(values: Mapping[str, Any]) -> Exception:
    """Return the error that a function raised in the process, for its status and its sentence."""
    return RequestError(values["status"], values["error"], values["hint"])


def _rebuild_value(values: Mapping[str, Any], data: bytes) -> Any:
    if "media_type" in values:
        facts = tuple((name, text) for name, text in values["facts"])
        return Blob(data, values["media_type"], facts)
    if "file" in values:
        return Path(values["file"])
    return values["value"]
