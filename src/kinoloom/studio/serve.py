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
from kinoloom.studio.app import Address, build_app
from kinoloom.studio.core import Studio, open_core
from kinoloom.studio.folders.tree import Tree
from kinoloom.studio.options import DEFAULT_PORT, StudioOptions
from kinoloom.studio.pages.light_imports import reject_heavy_imports
from kinoloom.studio.running import Running, record_running

_PORTS_TRIED = 50
_GRACE_S = 2
"""Requests get this long to end when the server stops."""

Announce = Callable[[Running, str, StudioOptions], None]
"""Called with the running studio, the token of a link, and the options."""


def serve(folders: Sequence[Path], options: StudioOptions, announce: Announce) -> int:
    """Serve folders until Ctrl-C or SIGTERM; return the exit code.

    Raises:
        UsageError: the port is in use.
        OutputError: the state cannot be written.
    """
    reject_heavy_imports()
    # uvicorn repeats the signal after an orderly end.
    with _bind(options.port) as listening, suppress(KeyboardInterrupt):
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
    studio = open_core(Tree(folders), options)
    port = listening.getsockname()[1]
    running = Running(f"http://127.0.0.1:{port}", os.getpid())

    def start() -> None:
        record_running(studio.state_folder, running)
        announce(running, studio.sessions.create_link(), options)

    config = uvicorn.Config(
        build_app(studio, Address.local(port)),
        http="h11",
        ws="none",
        loop="asyncio",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=_GRACE_S,
    )
    await _Server(config, studio, start).serve(sockets=[listening])
    sys.stderr.write("The studio has stopped.\n")


def _bind(port: int | None) -> socket.socket:
    """Bind the port, or the first free one from the default on."""
    candidates = [port] if port else [*range(DEFAULT_PORT, DEFAULT_PORT + _PORTS_TRIED), 0]
    for candidate in candidates:
        listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind(("127.0.0.1", candidate))
        except OSError as error:
            listening.close()
            if port:
                raise UsageError(
                    f"Port {port} cannot be used: {error.strerror}.",
                    hint="Choose another --port, or leave it out.",
                ) from error
            continue
        return listening
    raise OutputError("No port can be used.")
