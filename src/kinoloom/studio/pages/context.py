"""What the contexts of calls and feeds pass on to the parts of the studio."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from kinoloom.base.page import Person, StartedJob
from kinoloom.errors import UsageError
from kinoloom.studio.documents.service import Documents, Place, Submitted, new_key
from kinoloom.studio.folders.tree import Tree
from kinoloom.studio.responses import RequestError
from kinoloom.studio.warm.context import AskingContext
from kinoloom.studio.warm.process import Ask

StartJob = Callable[[Person, Mapping[str, Any]], Awaitable[StartedJob]]
"""Starts a job of a person, as POST /api/jobs does with the same body."""


@dataclass(frozen=True)
class Services:
    """What contexts pass on to: parts of the studio.

    Attributes:
        tree: the folders.
        documents: of all pages.
        start_job: starts jobs.
    """

    tree: Tree
    documents: Documents
    start_job: StartJob

    async def start(self, person: Person, values: Mapping[str, Any]) -> StartedJob:
        """Start a job."""
        return await self.start_job(person, {"report": False, **values})

    def read(self, page: str, values: Mapping[str, Any]) -> Any:
        """Return the state of a document.

        Raises:
            UsageError: as `Context.document`.
        """
        with _rejecting():
            return self.documents.read(Place(page, values["kind"], values["name"]))[1]

    def change(self, page: str, person: Person, values: Mapping[str, Any]) -> int:
        """Change a document and return the number of the change.

        Raises:
            UsageError: as `Context.change`.
        """
        place = Place(page, values["kind"], values["name"])
        with _rejecting():
            seq, _ = self.documents.read(place)
            submitted = Submitted(values["key"] or new_key(), seq, values["change"])
            return self.documents.change(place, person, [submitted]).applied[0].seq

    def answer(self, page: str, person: Person) -> Ask:
        """Return what answers a warm process of a page."""

        async def ask(name: str, values: Mapping[str, Any]) -> Any:
            if name == "start":
                started = await self.start(person, values)
                return {"id": started.id, "output": started.output}
            if name == "document":
                return await asyncio.to_thread(self.read, page, values)
            if name == "change":
                return await asyncio.to_thread(self.change, page, person, values)
            raise UsageError(f"The studio does not answer '{name}'.")

        return ask

    def build_context(
        self, page: str, person: Person, loop: asyncio.AbstractEventLoop, stop: threading.Event
    ) -> AskingContext:
        """Return the context of a call or feed in a thread.

        Args:
            page: the name of the page.
            person: who called.
            loop: of the server.
            stop: set when nobody needs the answer any more.
        """
        answer = self.answer(page, person)

        def ask(name: str, values: Mapping[str, Any]) -> Any:
            async def run() -> Any:
                return await answer(name, values)

            return asyncio.run_coroutine_threadsafe(run(), loop).result()

        return AskingContext(self.tree, person, ask, stop.is_set)


@contextmanager
def _rejecting() -> Iterator[None]:
    """Pages get an error of kinoloom, not the answer to a request."""
    try:
        yield
    except RequestError as error:
        raise UsageError(error.message, hint=error.hint) from error
