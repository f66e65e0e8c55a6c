"""The state of pipelines and executions: an SQLite database in WAL mode.

Every change is one transaction, so a killed process leaves what it had committed. So does a power
cut, except that steps without outputs may run again. The schema's version is the file's
user_version: an older file is migrated when it is opened, a newer one is rejected.
"""

from __future__ import annotations

import json
import sqlite3
import threading
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from kinoloom.base.printable import well_formed
from kinoloom.errors import OutputError, UsageError
from kinoloom.pipelines.local.storage.reserve import DiskReserve

_MIGRATIONS = (
    """
    CREATE TABLE pipelines (
        name TEXT PRIMARY KEY, definition TEXT NOT NULL, description TEXT NOT NULL,
        created TEXT NOT NULL, modified TEXT NOT NULL
    ) STRICT;
    CREATE TABLE executions (
        id TEXT PRIMARY KEY, pipeline TEXT NOT NULL, definition TEXT NOT NULL,
        parameters TEXT NOT NULL, display_name TEXT NOT NULL, description TEXT NOT NULL,
        parallel INTEGER NOT NULL, status TEXT NOT NULL, reason TEXT NOT NULL,
        created TEXT NOT NULL, modified TEXT NOT NULL
    ) STRICT;
    CREATE INDEX executions_of ON executions (pipeline, created);
    CREATE TABLE steps (
        execution TEXT NOT NULL, name TEXT NOT NULL, pipeline TEXT NOT NULL, type TEXT NOT NULL,
        status TEXT NOT NULL, reason TEXT NOT NULL, attempts INTEGER NOT NULL,
        pid INTEGER NOT NULL, pid_started TEXT NOT NULL, started TEXT NOT NULL,
        ended TEXT NOT NULL, properties TEXT NOT NULL, outputs TEXT NOT NULL,
        key TEXT NOT NULL, cause TEXT NOT NULL, source TEXT NOT NULL, cache TEXT NOT NULL,
        PRIMARY KEY (execution, name)
    ) STRICT;
    CREATE INDEX steps_by_key ON steps (key, status, ended);
    CREATE INDEX steps_by_name ON steps (pipeline, name, status, ended);
    """,
    """
    CREATE TABLE models (
        name TEXT PRIMARY KEY, execution TEXT NOT NULL, arguments TEXT NOT NULL,
        digests TEXT NOT NULL, created TEXT NOT NULL
    ) STRICT;
    CREATE TABLE packages (
        family TEXT NOT NULL, version INTEGER NOT NULL, execution TEXT NOT NULL,
        step TEXT NOT NULL, arguments TEXT NOT NULL, digests TEXT NOT NULL,
        metrics TEXT NOT NULL, created TEXT NOT NULL,
        PRIMARY KEY (family, version), UNIQUE (execution, step)
    ) STRICT;
    CREATE TABLE approvals (
        id INTEGER PRIMARY KEY, family TEXT NOT NULL, version INTEGER NOT NULL,
        status TEXT NOT NULL, reason TEXT NOT NULL, moment TEXT NOT NULL
    ) STRICT;
    CREATE INDEX approvals_of ON approvals (family, version, id);
    CREATE TABLE callbacks (
        token TEXT PRIMARY KEY, execution TEXT NOT NULL, step TEXT NOT NULL, queue TEXT NOT NULL,
        arguments TEXT NOT NULL, status TEXT NOT NULL, answer TEXT NOT NULL,
        created TEXT NOT NULL, UNIQUE (execution, step)
    ) STRICT;
    """,
)
_JSON = (
    "parameters",
    "properties",
    "outputs",
    "cause",
    "arguments",
    "digests",
    "metrics",
    "answer",
)


_HINTS = {
    sqlite3.SQLITE_FULL: "Free disk space; `kinoloom pipeline gc` removes old executions.",
    sqlite3.SQLITE_READONLY: "Make the folder and its files writable.",
    sqlite3.SQLITE_CANTOPEN: "Make the folder and its files writable, and free disk space.",
    sqlite3.SQLITE_PERM: "Make the folder and its files writable.",
    sqlite3.SQLITE_IOERR: "The disk may be full: `kinoloom pipeline gc` removes old executions.",
    sqlite3.SQLITE_BUSY: "Another process holds it: wait until it has finished.",
    sqlite3.SQLITE_CORRUPT: "It is damaged: restore a copy, or use another workspace folder.",
    sqlite3.SQLITE_NOTADB: "It is damaged: restore a copy, or use another workspace folder.",
}


def now() -> str:
    """Return the current time in UTC as text that sorts by time."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


class State:
    """Reads and writes the state; its methods may be called from any thread.

    Args:
        file: The database; created if missing.

    Raises:
        UsageError: A newer version of kinoloom wrote the file.
        OutputError: The file cannot be opened or, in every method, read or written.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._reserve = DiskReserve(file.with_suffix(".reserve"))
        with self._rejecting_errors():
            self._db = self._reserve.write(lambda: _open(file))
        weakref.finalize(self, _close, self._db, self._lock)
        with self._rejecting_errors():
            self._reserve.write(lambda: self._migrate(file))

    def _migrate(self, file: Path) -> None:
        with self._lock:
            version = self._db.execute("PRAGMA user_version").fetchone()[0]
            if version == len(_MIGRATIONS):  # nothing is written: the disk may be full
                return
            self._db.execute("BEGIN IMMEDIATE")
            version = self._db.execute("PRAGMA user_version").fetchone()[0]
            if version > len(_MIGRATIONS):
                self._db.execute("ROLLBACK")
                raise UsageError(
                    f"{file} has schema version {version}; this version of kinoloom supports up to "
                    f"{len(_MIGRATIONS)}.",
                    hint="Update kinoloom, or use another folder.",
                )
            for script in _MIGRATIONS[version:]:
                for statement in filter(str.strip, script.split(";")):
                    self._db.execute(statement)
            self._db.execute(f"PRAGMA user_version = {len(_MIGRATIONS)}")
            self._db.execute("COMMIT")

    def close(self) -> None:
        """Close the database."""
        _close(self._db, self._lock)

    def put_pipeline(self, name: str, definition: str, description: str) -> None:
        """Create a pipeline, or replace the definition of an existing one."""
        time = now()
        self._write(
            "INSERT INTO pipelines VALUES (?, ?, ?, ?, ?) ON CONFLICT (name) DO UPDATE SET "
            "definition = excluded.definition, description = excluded.description, "
            "modified = excluded.modified",
            (name, definition, description, time, time),
        )

    def get_pipeline(self, name: str) -> dict[str, Any] | None:
        """Return the row of a pipeline, or None."""
        return self._one("SELECT * FROM pipelines WHERE name = ?", (name,))

    def add_execution(self, row: Mapping[str, Any]) -> None:
        """Add an execution; the row has all columns except `created` and `modified`."""
        time = now()
        self._insert("executions", {**row, "created": time, "modified": time})

    def set_status(self, execution: str, status: str, reason: str = "") -> None:
        """Set an execution's status."""
        self._write(
            "UPDATE executions SET status = ?, reason = ?, modified = ? WHERE id = ?",
            (status, reason, now(), execution),
        )

    def get_execution(self, execution: str) -> dict[str, Any] | None:
        """Return the row of an execution, or None."""
        return self._one("SELECT * FROM executions WHERE id = ?", (execution,))

    def list_executions(self, pipeline: str) -> list[dict[str, Any]]:
        """Return the executions of a pipeline, latest first."""
        return self._all(
            "SELECT * FROM executions WHERE pipeline = ? ORDER BY created DESC", (pipeline,)
        )

    def begin_step(self, execution: str, pipeline: str, name: str, kind: str) -> None:
        """Record the start of a step, or its next attempt."""
        self._write(
            "INSERT INTO steps VALUES (?, ?, ?, ?, 'Executing', '', 1, 0, '', ?, '', 'null', "
            "'{}', '', 'null', '', '') ON CONFLICT (execution, name) DO UPDATE SET "
            "status = 'Executing', reason = '', attempts = attempts + 1, pid = 0, ended = ''",
            (execution, name, pipeline, kind, now()),
            is_flushed=False,
        )

    def set_process(self, execution: str, name: str, pid: int, started: str) -> None:
        """Record a running step's process; `started` identifies it."""
        self._write(
            "UPDATE steps SET pid = ?, pid_started = ? WHERE execution = ? AND name = ?",
            (pid, started, execution, name),
            is_flushed=False,
        )

    def end_step(self, execution: str, name: str, row: Mapping[str, Any]) -> None:
        """Record the end of a step; the row has its status, reason and other columns.

        After a power cut, only a step without outputs runs again.
        """
        values = _encode({**row, "ended": now(), "pid": 0})
        names = ", ".join(f"{column} = ?" for column in values)
        self._write(
            f"UPDATE steps SET {names} WHERE execution = ? AND name = ?",
            (*values.values(), execution, name),
            is_flushed=bool(row.get("outputs")),
        )

    def list_steps(self, execution: str) -> list[dict[str, Any]]:
        """Return the steps of an execution in start order."""
        return self._all(
            "SELECT * FROM steps WHERE execution = ? ORDER BY started, rowid", (execution,)
        )

    def find_step(self, execution: str, name: str) -> dict[str, Any] | None:
        """Return a step of an execution, or None if none of that name has started."""
        found = self._all("SELECT * FROM steps WHERE execution = ? AND name = ?", (execution, name))
        return found[0] if found else None

    def find_equal_steps(
        self, name: str, key: str, max_age: timedelta | None
    ) -> list[dict[str, Any]]:
        """Return succeeded steps with a name and a cache key, at most `max_age` old, latest first.

        The name keeps equal steps of one execution apart: each is one draw of a random result.
        """
        since = "" if max_age is None else (datetime.now(UTC) - max_age).isoformat()
        return self._all(
            "SELECT * FROM steps WHERE key = ? AND name = ? AND status = 'Succeeded' "
            "AND ended >= ? ORDER BY ended DESC LIMIT 5",
            (key, name, since),
        )

    def find_last_success(self, pipeline: str, name: str) -> dict[str, Any] | None:
        """Return the latest success of a step of a pipeline, by the step's name."""
        return self._one(
            "SELECT * FROM steps WHERE pipeline = ? AND name = ? AND status = 'Succeeded' "
            "AND key <> '' ORDER BY ended DESC LIMIT 1",
            (pipeline, name),
        )

    def execute(self, *statements: tuple[str, Mapping[str, Any]]) -> None:
        """Execute statements, with their values by name, in one transaction."""
        with self._lock, self._rejecting_errors():
            self._db.execute("PRAGMA synchronous=FULL")
            self._reserve.write(lambda: self._transact(statements))

    def _transact(self, statements: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            for statement, values in statements:
                self._db.execute(statement, _encode(values))
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:  # a full disk may have ended it
                self._db.execute("ROLLBACK")
            raise

    def query(self, query: str, *values: Any) -> list[dict[str, Any]]:
        """Return the rows of a query."""
        return self._all(query, values)

    def _insert(self, table: str, row: Mapping[str, Any]) -> None:
        values = _encode(row)
        placeholders = ", ".join("?" * len(values))
        self._write(
            f"INSERT INTO {table} ({', '.join(values)}) VALUES ({placeholders})",
            tuple(values.values()),
        )

    def _write(self, statement: str, values: tuple[Any, ...], *, is_flushed: bool = True) -> None:
        """Execute a statement in a transaction of its own.

        Args:
            statement, values: As for SQLite.
            is_flushed: Whether it, and all before it, must survive a power cut.
        """
        encoded = tuple(_encode_text(value) for value in values)

        def write() -> None:
            self._db.execute(statement, encoded)

        with self._lock, self._rejecting_errors():
            self._db.execute(f"PRAGMA synchronous={'FULL' if is_flushed else 'NORMAL'}")
            self._reserve.write(write)

    @contextmanager
    def _rejecting_errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise OutputError(
                f"The state of the pipelines, {self._file}, cannot be used: {error}.",
                hint=_HINTS.get(getattr(error, "sqlite_errorcode", 0) & 0xFF, ""),
            ) from error

    def _all(self, query: str, values: tuple[Any, ...]) -> list[dict[str, Any]]:
        with self._lock, self._rejecting_errors():
            rows = self._db.execute(query, values).fetchall()
        return [_decode(row) for row in rows]

    def _one(self, query: str, values: tuple[Any, ...]) -> dict[str, Any] | None:
        rows = self._all(query, values)
        return rows[0] if rows else None


def _open(file: Path) -> sqlite3.Connection:
    db = sqlite3.connect(file, timeout=30, check_same_thread=False, isolation_level=None)
    db.row_factory = sqlite3.Row
    try:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=NORMAL")
        db.execute("PRAGMA user_version").fetchone()
    except BaseException:
        db.close()
        raise
    return db


def _close(db: sqlite3.Connection, lock: threading.Lock) -> None:
    """Close a database that no thread uses: SQLite crashes if it is closed during a call."""
    with lock:
        db.close()


def _encode(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _encode_value(name, value) for name, value in row.items()}


def _encode_value(name: str, value: Any) -> Any:
    if name in _JSON:
        return json.dumps(value, sort_keys=True)
    return _encode_text(value)


def _encode_text(value: Any) -> Any:
    return well_formed(value) if isinstance(value, str) else value


def _decode(row: sqlite3.Row) -> dict[str, Any]:
    return {
        name: json.loads(row[name]) if name in _JSON else row[name]
        for name in row.keys()  # noqa: SIM118  a Row iterates over its values
    }
