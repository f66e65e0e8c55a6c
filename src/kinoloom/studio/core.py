"""The studio as one object: what all parts of the server share."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from starlette.requests import Request

from kinoloom.base.machine import available_bytes
from kinoloom.base.page import Person, StartedJob
from kinoloom.studio.documents.service import Documents
from kinoloom.studio.events.bus import Bus
from kinoloom.studio.folders.moving import Trash
from kinoloom.studio.folders.tree import Tree
from kinoloom.studio.folders.uploads import Uploads
from kinoloom.studio.folders.watching import Watcher
from kinoloom.studio.jobs.manager import JobManager
from kinoloom.studio.jobs.slots import Slots
from kinoloom.studio.jobs.submit import JobDesk
from kinoloom.studio.jobs.table import JobTable
from kinoloom.studio.ops.catalogue import Catalogue
from kinoloom.studio.options import StudioOptions
from kinoloom.studio.pages.calls import Calls
from kinoloom.studio.pages.catalogue import Pages
from kinoloom.studio.pages.context import Services
from kinoloom.studio.pages.feeds import Feeds
from kinoloom.studio.running import STATE_FOLDER
from kinoloom.studio.security.limits import LoginLimits
from kinoloom.studio.security.people import People
from kinoloom.studio.security.sessions import Sessions
from kinoloom.studio.state.database import Database
from kinoloom.studio.warm.process import WarmProcess


@dataclass
class Studio:
    """A running studio.

    Attributes:
        tree: the folders.
        options: of the command.
        database: the state.
        people: who may log in; None for a studio of one person on this computer.
        login_limits: of attempts to log in.
        sessions: links and cookies.
        bus: events for pages.
        uploads, trash, watcher: of the files in the folders.
        tools: a process for the studio's own work on media and ops, which need heavy libraries.
        catalogue: of ops.
        jobs, desk: run jobs, and take requests for them.
        pages: all pages.
        documents: of the pages.
        calls, feeds: run those of the pages.
        closing: called, in reverse order, when the server ends.
    """

    tree: Tree
    options: StudioOptions
    database: Database
    people: People | None
    sessions: Sessions
    bus: Bus
    uploads: Uploads
    trash: Trash
    watcher: Watcher
    tools: WarmProcess
    catalogue: Catalogue
    jobs: JobManager
    desk: JobDesk
    pages: Pages = field(init=False)
    documents: Documents = field(init=False)
    calls: Calls = field(init=False)
    feeds: Feeds = field(init=False)
    login_limits: LoginLimits = field(default_factory=LoginLimits)
    closing: list[Callable[[], Awaitable[None]]] = field(default_factory=list)
    _releasing: set[asyncio.Task[None]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.pages = Pages()
        self.documents = Documents(self.database, self.bus, self.pages)
        services = Services(self.tree, self.documents, self.start_job)
        self.calls = Calls(self.pages, services)
        self.feeds = Feeds(self.pages, services, self.bus)
        self.jobs.make_room = self._make_room
        self.closing += [self.calls.close, self.feeds.close]

    def _make_room(self, nbytes: int) -> None:
        """End the idle processes of pages if a job needs their memory."""
        if available_bytes() < nbytes:
            task = asyncio.get_running_loop().create_task(self.calls.release_memory())
            self._releasing.add(task)
            task.add_done_callback(self._releasing.discard)

    @property
    def state_folder(self) -> Path:
        """FOLDER/.kinoloom of the first folder."""
        return self.tree.first / STATE_FOLDER

    @property
    def cache_folder(self) -> Path:
        """For files that can be made again; may be deleted at any time."""
        return self.state_folder / "cache"

    async def start_job(self, person: Person, body: Mapping[str, Any]) -> StartedJob:
        """Start a job for a call of a page; see `JobDesk.start`.

        Raises:
            KinoloomError, RequestError: as there.
        """
        return await self.desk.start(person, body)

    async def close(self) -> None:
        """End everything that the server runs; jobs continue unless `--end-jobs` was given."""
        self.bus.close()
        self.watcher.close()
        await self.jobs.close(end_jobs=self.options.end_jobs)
        for close in reversed(self.closing):
            await close()
        await self.tools.stop()
        self.database.close()


def open_core(tree: Tree, options: StudioOptions) -> Studio:
    """Open the state of a studio; call it in the running event loop.

    Raises:
        OutputError: the state cannot be written.
        UsageError: the file of people is not valid.
    """
    people = People(options.people) if options.people is not None else None
    state = tree.first / STATE_FOLDER
    database = Database(state / "studio.db")
    bus = Bus(asyncio.get_running_loop())
    tools = WarmProcess("tools", tree)
    jobs = JobManager(
        JobTable(database), state / "jobs", tree.first, Slots(options.jobs), bus.publish
    )
    jobs.start()
    return Studio(
        tree=tree,
        options=options,
        database=database,
        people=people,
        sessions=Sessions(database, people),
        bus=bus,
        uploads=Uploads(tree, database, options.upload_limit),
        trash=Trash(tree, database),
        watcher=Watcher(tree, bus),
        tools=tools,
        catalogue=Catalogue(tools, state / "cache"),
        jobs=jobs,
        desk=JobDesk(jobs, tree, tools),
    )


def studio_of(request: Request) -> Studio:
    """Return the studio that a request belongs to."""
    studio: Studio = request.app.state.studio
    return studio


def person_of(request: Request) -> Person:
    """Return the person who sent a request."""
    person: Person = request.scope["person"]
    return person
