"""The documents of a studio: changes are stored before they are answered, then announced."""

from __future__ import annotations

import re
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from kinoloom.base.page import Document, Person
from kinoloom.base.page.documents import Change, State
from kinoloom.base.printable import printable_line
from kinoloom.errors import UsageError
from kinoloom.studio.documents import storage
from kinoloom.studio.documents.history import ConflictError, Entry, History, Verb
from kinoloom.studio.events.bus import Bus
from kinoloom.studio.pages.catalogue import Pages
from kinoloom.studio.responses import RequestError
from kinoloom.studio.state.database import Database

SNAPSHOT_EVERY = 200
_LOADED = 8
"""This many documents stay in memory."""
_MAX_NAME_BYTES = 500
_KEY = re.compile(r"[\w.:-]{1,100}", re.ASCII)


@dataclass(frozen=True)
class Place:
    """Which document: of a page, of a kind, with a name that the page chooses."""

    page: str
    kind: str
    name: str

    @property
    def topic(self) -> str:
        """The topic of its changes."""
        return f"doc:{self.page}/{self.kind}/{self.name}"


@dataclass(frozen=True)
class Submitted:
    """A change that a client submits.

    Attributes:
        key: chosen by the client.
        based_on: the number of the state that the person saw.
        change: of the kind of document.
    """

    key: str
    based_on: int
    change: Change


@dataclass(frozen=True)
class Answer:
    """What a client gets for changes.

    Attributes:
        seq: number of the document's newest entry.
        applied: one entry for each change.
    """

    seq: int
    applied: Sequence[Entry]

    def describe(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {"seq": self.seq, "applied": [entry.describe() for entry in self.applied]}


class RejectedError(RequestError):
    """A change of a batch that is rejected; what came before it in the batch is stored."""


class Documents:
    """Reads and changes documents; its methods may be called from any thread but block.

    Args:
        database: holds them.
        bus: announces changes.
        pages: all pages, which declare kinds of documents.
    """

    def __init__(self, database: Database, bus: Bus, pages: Pages) -> None:
        self._database, self._bus, self._pages = database, bus, pages
        self._loaded: OrderedDict[Place, History] = OrderedDict()
        self._lock = threading.RLock()

    def read(self, place: Place) -> tuple[int, State]:
        """Return the number of the newest entry and the state; a new document has number 0.

        Raises:
            RequestError: the page has no such kind (404), or the name is not valid (422).
        """
        with self._lock:
            history = self._open(place)
            return history.seq, history.state

    def change(self, place: Place, person: Person, changes: Sequence[Submitted]) -> Answer:
        """Make changes; those that were made before are answered as they are.

        Raises:
            UsageError: a change is malformed.
            RejectedError: a change no longer fits.
            RequestError: as `read`; also if the person may not change the document (403).
        """

        signature = {"person": person.name} if self._kind(place).is_signed else {}

        def apply(history: History, answered: list[Entry]) -> None:
            for one in changes:
                with _rejecting(history, one):
                    entry = history.find(one.key) or history.change(
                        {**one.change, **signature},
                        person.name,
                        one.key,
                        based_on=one.based_on,
                    )
                answered.append(entry)

        return self._edit(place, person, [one.key for one in changes], apply)

    def revert(self, place: Place, person: Person, verb: Verb, keys: Sequence[str]) -> Answer:
        """Undo, or make again, as many changes of a person as there are keys, if there are as many.

        Raises:
            RejectedError: later changes depend on it.
            RequestError: as `change`.
        """

        def apply(history: History, answered: list[Entry]) -> None:
            for key in keys:
                act = history.undo if verb == "undo" else history.redo
                with _rejecting(history):
                    entry = history.find(key) or act(person.name, key)
                if entry is not None:
                    answered.append(entry)

        return self._edit(place, person, keys, apply)

    def read_log(self, place: Place, before: int, limit: int) -> Sequence[Entry]:
        """Return entries of the log before a number, newest first."""
        self._kind(place)
        number = storage.find_id(self._database, place.page, place.kind, place.name)
        return [] if number is None else storage.read_log(self._database, number, before, limit)

    def list_kind(self, page: str, kind: str) -> list[dict[str, Any]]:
        """Return the documents of a kind that were ever changed, newest change first."""
        self._kind(Place(page, kind, "-"))
        return storage.list_documents(self._database, page, kind)

    def _edit(
        self,
        place: Place,
        person: Person,
        keys: Sequence[str],
        apply: Callable[[History, list[Entry]], None],
    ) -> Answer:
        kind = self._kind(place)
        if not person.may(kind.role):
            raise RequestError(403, f"Only people with the role {kind.role} may change this.")
        for key in keys:
            if not _KEY.fullmatch(key):
                raise UsageError(f"'{key}' is not a valid key: use up to 100 letters and digits.")
        with self._lock:
            history = self._open(place)
            first = history.seq
            answered: list[Entry] = []
            rejected: RejectedError | None = None
            try:
                apply(history, answered)
            except RejectedError as error:
                rejected = error
            except BaseException:
                self._loaded.pop(place, None)  # it may hold entries that are not stored
                raise
            if fresh := {one.seq: one for one in answered if one.seq > first}:
                self._store(place, history, list(fresh.values()))
            if rejected is not None:
                applied = [one.describe() for one in answered]
                rejected.content = {**rejected.content, "applied": applied}
                raise rejected
            return Answer(history.seq, answered)

    def _store(self, place: Place, history: History, entries: Sequence[Entry]) -> None:
        database = self._database
        try:
            with database.transaction():
                number = storage.find_id(database, place.page, place.kind, place.name)
                if number is None:
                    number = storage.create(database, place.page, place.kind, place.name)
                for entry in entries:
                    storage.append(database, number, entry)
                if history.seq // SNAPSHOT_EVERY > (entries[0].seq - 1) // SNAPSHOT_EVERY:
                    storage.add_snapshot(database, number, history.seq, history.state)
                    history.add_snapshot()
        except BaseException:
            self._loaded.pop(place, None)  # the memory is ahead of the log
            raise
        for entry in entries:
            self._bus.publish(place.topic, entry.describe())

    def _open(self, place: Place) -> History:
        history = self._loaded.get(place)
        if history is None:
            kind = self._kind(place)
            number = storage.find_id(self._database, place.page, place.kind, place.name)
            history = (
                History(kind) if number is None else storage.load(self._database, number, kind)
            )
            self._loaded[place] = history
        self._loaded.move_to_end(place)
        while len(self._loaded) > _LOADED:
            self._loaded.popitem(last=False)
        return history

    def _kind(self, place: Place) -> Document:
        name = place.name
        if not name or printable_line(name) != name or len(name.encode()) > _MAX_NAME_BYTES:
            raise RequestError(422, f"A document cannot be called '{printable_line(name)}'.")
        return self._pages.document(place.page, place.kind)


@contextmanager
def _rejecting(history: History, submitted: Submitted | None = None) -> Iterator[None]:
    """Turn what a document raises into the answer, with the present version."""
    content: dict[str, Any] = {"seq": history.seq, "state": history.state}
    if submitted is not None:
        content["rejected"] = submitted
    try:
        yield
    except ConflictError as error:
        raise RejectedError(error.status, error.message, error.hint, content) from error
    except UsageError as error:
        content.pop("state")  # it is the newest one that the client has
        raise RejectedError(422, error.message, error.hint, content) from error


def new_key() -> str:
    """Return a key for a change that the server itself makes."""
    return secrets.token_urlsafe(12)
