"""The database of the studio: FOLDER/.kinoloom/studio.db, SQLite in WAL mode.

Every change is committed and flushed before it is reported as done. Migrations are the files of
the folder `migrations`, in the order of their names; the file's user_version counts them. A newer
or a damaged database is set aside, not modified: it holds no media.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from importlib import resources
from pathlib import Path
from typing import Any

from kinoloom.base.notes import logger
from kinoloom.errors import OutputError

Row = dict[str, Any]


class Database:
    """Reads and writes the studio's state; its methods may be called from any thread.

    Args:
        file: created if missing.

    Raises:
        OutputError: the file cannot be opened or, in every method, read or written.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self._lock = threading.RLock()
        self._db = _open_usable(file)

    def close(self) -> None:
        """Close the database."""
        with self._lock:
            self._db.close()

    def query(self, statement: str, *values: Any) -> list[Row]:
        """Return the rows of a query."""
        with self._lock, self._reporting_errors():
            return [dict(row) for row in self._db.execute(statement, values)]

    def find(self, statement: str, *values: Any) -> Row | None:
        """Return the first row of a query, or None."""
        rows = self.query(statement, *values)
        return rows[0] if rows else None

    def execute(self, statement: str, *values: Any) -> int:
        """Execute one statement and commit it; return the number of rows it changed."""
        with self.transaction():
            return self._db.execute(statement, values).rowcount

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit all statements of the block at once, or none if it raises."""
        with self._lock, self._reporting_errors():
            if self._db.in_transaction:  # nested: part of the outer one
                yield
                return
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:  # a full disk may have ended it
                    self._db.execute("ROLLBACK")
                raise

    @contextmanager
    def _reporting_errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise OutputError(
                f"The state of the studio, {self.file}, cannot be used: {error}.",
                hint="Free disk space and make the folder writable, then try again.",
            ) from error


def _open_usable(file: Path) -> sqlite3.Connection:
    """Open the database; set aside one that is damaged or of a newer version."""
    try:
        return _open(file)
    except (sqlite3.DatabaseError, _NewerError) as error:
        if isinstance(error, sqlite3.OperationalError) or not file.exists():
            raise OutputError(
                f"The state of the studio, {file}, cannot be opened: {error}.",
                hint="Make the folder writable and free disk space.",
            ) from error
        aside = file.with_name(f"{file.stem}.{time.strftime('%Y%m%d-%H%M%S')}.aside.db")
        for suffix in ("-wal", "-shm"):
            file.with_name(file.name + suffix).unlink(missing_ok=True)
        file.rename(aside)
        logger.warning(
            "%s cannot be used (%s). It is kept as %s, and the studio starts with a new one. "
            "Your files are not affected.",
            file,
            error,
            aside.name,
        )
        return _open(file)


def _open(file: Path) -> sqlite3.Connection:
    db = sqlite3.connect(file, timeout=30, check_same_thread=False, isolation_level=None)
    db.row_factory = sqlite3.Row
    try:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=FULL")
        _migrate(db)
    except BaseException:
        db.close()
        raise
    return db


class _NewerError(Exception):
    """The database was written by a newer version."""


def _migrate(db: sqlite3.Connection) -> None:
    scripts = _read_migrations()
    with closing(db.cursor()) as cursor:
        version = cursor.execute("PRAGMA user_version").fetchone()[0]
        if version > len(scripts):
            raise _NewerError(f"it was written by a newer version of kinoloom (schema {version})")
        if version == len(scripts):
            return
        cursor.execute("BEGIN IMMEDIATE")
        for script in scripts[version:]:
            for statement in filter(str.strip, script.split(";")):
                cursor.execute(statement)
        cursor.execute(f"PRAGMA user_version = {len(scripts)}")
        cursor.execute("COMMIT")


def _read_migrations() -> Sequence[str]:
    folder = resources.files(__package__).joinpath("migrations")
    files = sorted(
        (one for one in folder.iterdir() if one.name.endswith(".sql")), key=lambda one: one.name
    )
    return [one.read_text(encoding="utf-8") for one in files]
