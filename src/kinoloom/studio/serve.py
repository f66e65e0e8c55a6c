"""Runs the web server of the studio until it is stopped."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import uvicorn

from kinoloom.errors import OutputError, UsageError
from kinoloom.studio.app import build_app
from kinoloom.studio.core import Studio, open_core
from kinoloom.studio.folders.tree import Tree
from kinoloom.studio.options import DEFAULT_PORT, StudioOptions
from kinoloom.studio.pages.light_imports import reject_heavy_imports
from kinoloom.studio.running import Running, record_running
from kinoloom.studio.security.address import Address
from kinoloom.studio.sharing import split_address

_PORTS_TRIED = 50
_BACKLOG = 2048
_GRACE_S = 2
"""Requests get this long to end when the server stops."""

Announce = Callable[[Running, str, StudioOptions], None]
"""Called with the running studio, the token of a link or "", and the options."""


def serve(folders: Sequence[Path], options: StudioOptions, announce: Announce) -> int:
    """Serve folders until Ctrl-C or SIGTERM; return the exit code.

    Raises:
        UsageError: the port is in use.
        OutputError: the state cannot be written.
    """
    reject_heavy_imports()
    # uvicorn repeats the signal after an orderly end.
    with _bind(options) as listening, suppress(KeyboardInterrupt):
        asyncio.run(_serve(folders, options, announce, listening))
    return 0


class _Server(uvicorn.Server):
    """A server that announces itself, and ends its event streams before it waits for requests."""

    def __init__(
        self, config: uvicorn.Config, studio: Studio, on_start: Callable[[], None]
    ) -> None:
        super().__init__(config)
        self._studio, self._on_start = studio, on_start

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._on_start()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._studio.bus.close()
        await super().shutdown(sockets)


async def _serve(
    folders: Sequence[Path],
    options: StudioOptions,
    announce: Announce,
    listening: socket.socket,
) -> None:
    port = listening.getsockname()[1]
    address = _find_address(options, port)
    studio = open_core(Tree(folders), options)
    running = Running(address.url, os.getpid(), is_shared=studio.people is not None)

    def start() -> None:
        record_running(studio.state_folder, running)
        token = "" if running.is_shared else studio.sessions.create_link()
        announce(running, token, options)

    config = uvicorn.Config(
        build_app(studio, address),
        http="h11",
        ws="none",
        loop="asyncio",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=False,  # the guard reads them, from the one proxy that it knows
        timeout_graceful_shutdown=_GRACE_S,
    )
    try:
        await _Server(config, studio, start).serve(sockets=[listening])
    finally:  # uvicorn repeats the signal that has stopped it
        left = _describe_left(studio.jobs.running_count)
        sys.stderr.write(f"The studio has stopped.{left}\n")


def _describe_left(jobs: int) -> str:
    """Return a sentence on the jobs that continue, or ""."""
    if not jobs:
        return ""
    continuing = "1 job continues" if jobs == 1 else f"{jobs} jobs continue"
    return f" {continuing}; start the studio again to see them."


def _find_address(options: StudioOptions, port: int) -> Address:
    if options.host is None:
        return Address.local(port)
    return Address.shared(options.host, port, options.behind or "")


def _bind(options: StudioOptions) -> socket.socket:
    """Bind the requested address, or the first free port from the default on."""
    if options.listen is not None:
        return _listen(*split_address(options.listen))
    if options.port is not None:
        return _listen("127.0.0.1", options.port)
    for candidate in (*range(DEFAULT_PORT, DEFAULT_PORT + _PORTS_TRIED), 0):
        with suppress(UsageError):
            return _listen("127.0.0.1", candidate)
    raise OutputError("No port can be used.")


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol named, asyncio sends small answers without a delay of 40 ms.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen(_BACKLOG)  # a bound port alone does not keep others from binding it
    except OSError as error:
        listening.close()
        raise UsageError(
            f"Port {port} of {host} cannot be used: {error.strerror}.",
            hint="Choose another one, or leave it out.",
        ) from error
    return listening
