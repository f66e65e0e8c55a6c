"""The studio as one object: what all parts of the server share."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from starlette.requests import Request

from kinoloom.base.page import Person, StartedJob
from kinoloom.studio.events.bus import Bus
from kinoloom.studio.folders.tree import Tree
from kinoloom.studio.jobs.manager import JobManager
from kinoloom.studio.jobs.slots import Slots
from kinoloom.studio.jobs.submit import JobDesk
from kinoloom.studio.jobs.table import JobTable
from kinoloom.studio.options import StudioOptions
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
        jobs, desk: run jobs, and take requests for them.
        closing: called, in reverse order, when the server ends.
    """

    tree: Tree
    options: StudioOptions
    database: Database
    sessions: Sessions
    bus: Bus
    tools: WarmProcess
    jobs: JobManager
    desk: JobDesk
    closing: list[Callable[[], Awaitable[None]]] = field(default_factory=list)

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
        await self.jobs.close(end_jobs=self.options.end_jobs)
        for close in reversed(self.closing):
            await close()
        await self.tools.stop()
        self.database.close()


def open_core(tree: Tree, options: StudioOptions) -> Studio:
    """Open the state of a studio; call it in the running event loop.

    Raises:
        OutputError: the state cannot be written.
    """
    state = tree.first / STATE_FOLDER
    database = Database(state / "studio.db")
    bus = Bus(asyncio.get_running_loop())
    tools = WarmProcess("tools", tree)
    jobs = JobManager(
        JobTable(database), state / "jobs", tree.first, Slots(options.jobs), bus.publish
    )
    jobs.start()
    desk = JobDesk(jobs, tree, tools)
    return Studio(tree, options, database, Sessions(database), bus, tools, jobs, desk)


def studio_of(request: Request) -> Studio:
    """Return the studio that a request belongs to."""
    studio: Studio = request.app.state.studio
    return studio


def person_of(request: Request) -> Person:
    """Return the person who sent a request."""
    person: Person = request.scope["person"]
    return person
