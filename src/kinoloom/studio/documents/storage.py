"""The logs and snapshots of documents in the studio's database."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from kinoloom.base.page import Document
from kinoloom.base.page.documents import State
from kinoloom.errors import UsageError
from kinoloom.studio.documents.history import Entry, History
from kinoloom.studio.state.database import Database, Row

KEPT_SNAPSHOTS = 4


def find_id(database: Database, page: str, kind: str, name: str) -> int | None:
    """Return the id of a document that has a log."""
    row = database.find(
        "SELECT id FROM documents WHERE page = ? AND kind = ? AND name = ?", page, kind, name
    )
    return None if row is None else int(row["id"])


def create(database: Database, page: str, kind: str, name: str) -> int:
    """Add a document and return its id."""
    database.execute("INSERT INTO documents (page, kind, name) VALUES (?, ?, ?)", page, kind, name)
    number = find_id(database, page, kind, name)
    assert number is not None  # added in this transaction
    return number


def load(database: Database, number: int, kind: Document) -> History:
    """Return a document with its whole log."""
    rows = database.query("SELECT * FROM changes WHERE document = ? ORDER BY seq", number)
    snapshots = database.query("SELECT * FROM snapshots WHERE document = ? ORDER BY seq", number)
    states = [(row["seq"], json.loads(row["state"])) for row in snapshots]
    return History(kind, [_entry(row) for row in rows], states)


def append(database: Database, number: int, entry: Entry) -> None:
    """Add an entry to a log."""
    database.execute(
        "INSERT INTO changes VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        *(number, entry.seq, entry.key, entry.person, entry.time, entry.verb, entry.target),
        *(dump(entry.change), dump(entry.inverse)),
    )


def add_snapshot(database: Database, number: int, seq: int, state: State) -> None:
    """Store a state, and delete old ones."""
    database.execute("INSERT INTO snapshots VALUES (?, ?, ?)", number, seq, dump(state))
    database.execute(
        "DELETE FROM snapshots WHERE document = ? AND seq NOT IN "
        "(SELECT seq FROM snapshots WHERE document = ? ORDER BY seq DESC LIMIT ?)",
        *(number, number, KEPT_SNAPSHOTS),
    )


def read_log(database: Database, number: int, before: int, limit: int) -> Sequence[Entry]:
    """Return the newest entries of a log before a number, newest first."""
    rows = database.query(
        "SELECT * FROM changes WHERE document = ? AND seq < ? ORDER BY seq DESC LIMIT ?",
        *(number, before, limit),
    )
    return [_entry(row) for row in rows]


def list_documents(database: Database, page: str, kind: str) -> list[Row]:
    """Return name, number of changes, and the last change of each document of a kind."""
    return database.query(
        "SELECT documents.name, changes.seq, changes.person, changes.time FROM documents "
        "JOIN changes ON changes.document = documents.id AND changes.seq = "
        "(SELECT MAX(seq) FROM changes WHERE document = documents.id) "
        "WHERE page = ? AND kind = ? ORDER BY changes.time DESC, documents.name",
        *(page, kind),
    )


def dump(value: Any) -> str | None:
    """Return a plain value as JSON in ASCII, which holds any text.

    Raises:
        UsageError: it is not a plain value, or has a number that is not finite.
    """
    if value is None:
        return None
    try:
        return json.dumps(value, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise UsageError(f"Changes and states must be plain values: {error}.") from error


def _entry(row: Row) -> Entry:
    return Entry(
        seq=row["seq"],
        key=row["key"],
        person=row["person"],
        time=row["time"],
        verb=row["verb"],
        target=row["target"],
        change=_parse(row["change"]),
        inverse=_parse(row["inverse"]),
    )


def _parse(text: str | None) -> Any:
    return None if text is None else json.loads(text)
