"""The studio as one object: what all parts of the server share."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from starlette.requests import Request

from kinoloom.base.page import Person, StartedJob
from kinoloom.studio.documents.service import Documents
from kinoloom.studio.events.bus import Bus
from kinoloom.studio.folders.tree import Tree
from kinoloom.studio.options import StudioOptions
from kinoloom.studio.pages.calls import Calls
from kinoloom.studio.pages.catalogue import Catalogue
from kinoloom.studio.pages.context import Services, StartJob
from kinoloom.studio.pages.feeds import Feeds
from kinoloom.studio.security.sessions import Sessions
from kinoloom.studio.state.database import Database
from kinoloom.studio.warm.process import WarmProcess

STATE_FOLDER = ".kinoloom"


@dataclass
class Studio:
    """A running studio.

    Attributes:
        tree: the folders.
        options: of the command.
        database: the state.
        sessions: links and cookies.
        bus: events for pages.
        tools: a process for the studio's own work on media and ops, which need heavy libraries.
        catalogue: of the pages.
        documents: of the pages.
        calls, feeds: run those of the pages.
        start_job: starts a job of a person: (person, body of POST /api/jobs) -> `StartedJob`.
        closing: called, in reverse order, when the server ends.
    """

    tree: Tree
    options: StudioOptions
    database: Database
    sessions: Sessions
    bus: Bus
    tools: WarmProcess
    catalogue: Catalogue = field(init=False)
    documents: Documents = field(init=False)
    calls: Calls = field(init=False)
    feeds: Feeds = field(init=False)
    start_job: StartJob = field(init=False)
    closing: list[Callable[[], Awaitable[None]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.catalogue = Catalogue()
        self.documents = Documents(self.database, self.bus, self.catalogue)
        services = Services(self.tree, self.documents, self._start_job)
        self.calls = Calls(self.catalogue, services)
        self.feeds = Feeds(self.catalogue, services, self.bus)
        self.closing += [self.calls.close, self.feeds.close]

    async def _start_job(self, person: Person, body: Mapping[str, Any]) -> StartedJob:
        return await self.start_job(person, body)

    @property
    def state_folder(self) -> Path:
        """FOLDER/.kinoloom of the first folder."""
        return self.tree.first / STATE_FOLDER

    @property
    def cache_folder(self) -> Path:
        """For files that can be made again; may be deleted at any time."""
        return self.state_folder / "cache"

    async def close(self) -> None:
        """End everything that the server runs, except its jobs."""
        self.bus.close()
        for close in reversed(self.closing):
            await close()
        await self.tools.stop()
        self.database.close()


def open_core(tree: Tree, options: StudioOptions) -> Studio:
    """Open the state of a studio; call it in the running event loop.

    Raises:
        OutputError: the state cannot be written.
    """
    database = Database(tree.first / STATE_FOLDER / "studio.db")
    return Studio(
        tree,
        options,
        database,
        Sessions(database),
        Bus(asyncio.get_running_loop()),
        WarmProcess("tools", tree),
    )


def studio_of(request: Request) -> Studio:
    """Return the studio that a request belongs to."""
    studio: Studio = request.app.state.studio
    return studio


def person_of(request: Request) -> Person:
    """Return the person who sent a request."""
    person: Person = request.scope["person"]
    return person
