"""Proxies: copies of films and sounds that every browser plays, written by processes of their own.

One is written at a time; the others wait. A proxy that is complete is a file of the cache. Its
progress is published on the topic "proxies".
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from kinoloom.studio.events.bus import Bus
from kinoloom.studio.media.cache import Cache
from kinoloom.studio.responses import RequestError

TOPIC = "proxies"
NAME = "proxy.mp4"
"""Of the file in the cache."""
_STOP_S = 5.0

State = Literal["waiting", "running", "ready", "failed", "cancelled"]


@dataclass
class Proxy:
    """A proxy that is being written, or could not be.

    Attributes:
        path: of the original, as pages write it.
        state: "ready" once its file is in the cache.
        done, total: frames of a film or milliseconds of a sound; total may be unknown.
        status, error, hint: why it failed.
    """

    path: str
    state: State = "waiting"
    done: int = 0
    total: int | None = None
    status: int = 0
    error: str = ""
    hint: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for pages."""
        known = ("path", "state", "done", "total", "error", "hint")
        return {name: getattr(self, name) for name in known}


class Proxies:
    """The proxies of a studio.

    Args:
        cache: keeps their files.
        bus: for their progress.
    """

    def __init__(self, cache: Cache, bus: Bus) -> None:
        self._cache, self._bus = cache, bus
        self._known: dict[str, Proxy] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._turn = asyncio.Lock()

    def find(self, key: str) -> Proxy | None:
        """Return a proxy that is being written, or has failed since the server started."""
        return self._known.get(key)

    def start(self, key: str, text: str, original: Path, kind: str, descriptor: int) -> Proxy:
        """Begin to write a proxy, unless it is being written already.

        Args:
            key: of the version of the original.
            text: the original's path, as pages write it.
            original: where it is stored.
            kind: "video" or "audio".
            descriptor: of the open original; it is duplicated.
        """
        if key in self._tasks:
            return self._known[key]
        proxy = self._known[key] = Proxy(text)
        work = self._write(key, proxy, original, kind, os.dup(descriptor))
        task = asyncio.ensure_future(work)
        self._tasks[key] = task
        task.add_done_callback(lambda done: self._tasks.pop(key, None))
        return proxy

    async def cancel(self, key: str) -> None:
        """Stop writing a proxy."""
        task = self._tasks.get(key)
        if task is not None:
            task.cancel()
            await asyncio.wait({task})

    async def close(self) -> None:
        """Stop writing all proxies."""
        for key in list(self._tasks):
            await self.cancel(key)

    async def _write(
        self, key: str, proxy: Proxy, original: Path, kind: str, descriptor: int
    ) -> None:
        try:
            async with self._turn:
                proxy.state = "running"
                self._publish(proxy)
                target = _prepare(self._cache, key)
                await self._run(proxy, [str(descriptor), str(original), kind, str(target)])
                if proxy.state == "running":
                    proxy.state = "ready" if target.is_file() else "failed"
                    self._cache.note_save()
        except RequestError as error:
            proxy.state, proxy.status = "failed", error.status
            proxy.error, proxy.hint = error.message, error.hint
        except asyncio.CancelledError:
            proxy.state = "cancelled"
            raise
        finally:
            os.close(descriptor)
            self._publish(proxy)

    async def _run(self, proxy: Proxy, arguments: list[str]) -> None:
        """Run the program, and follow what it prints."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "kinoloom.studio.tools.media_proxy", *arguments),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            pass_fds=[int(arguments[0])],
            start_new_session=True,
        )
        assert process.stdout is not None
        try:
            async for line in process.stdout:
                self._take(proxy, json.loads(line))
            if await process.wait() and not proxy.error:
                raise RequestError(
                    503,
                    f"The process that converts '{proxy.path}' ended.",
                    "It may have used up the memory.",
                )
        finally:
            await _end(process)

    def _take(self, proxy: Proxy, values: Mapping[str, Any]) -> None:
        if "error" in values:
            proxy.state, proxy.status = "failed", values["status"]
            proxy.error, proxy.hint = values["error"], values["hint"]
        else:
            proxy.done, proxy.total = values["done"], values["total"]
            self._publish(proxy)

    def _publish(self, proxy: Proxy) -> None:
        self._bus.publish(TOPIC, proxy.to_dict())


def _prepare(cache: Cache, key: str) -> Path:
    try:
        return cache.prepare(key, NAME)
    except OSError as error:
        raise RequestError(
            507, f"The cache cannot be written: {error.strerror}.", "Make room on the disk."
        ) from error


async def _end(process: asyncio.subprocess.Process) -> None:
    """End a process that still runs; its unfinished file goes with it."""
    if process.returncode is not None:
        return
    for stop in (process.terminate, process.kill):
        with suppress(ProcessLookupError):
            stop()
        with suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), _STOP_S)
            return
