"""The reserve of disk space that lets the state be written when the disk is full."""

import sqlite3
from pathlib import Path

import pytest

from kinoloom.pipelines.local.storage import reserve
from kinoloom.pipelines.local.storage.reserve import DiskReserve


@pytest.fixture
def database(tmp_path: Path) -> sqlite3.Connection:
    """A database that cannot grow: SQLite reports it as a full disk."""
    connection = sqlite3.connect(tmp_path / "state.db", isolation_level=None)
    connection.execute("CREATE TABLE logs (text TEXT)")
    connection.execute("PRAGMA max_page_count = 3")
    return connection


def insert(database: sqlite3.Connection) -> None:
    database.execute("INSERT INTO logs VALUES (?)", ("x" * 100_000,))


def test_full_disk_releases_the_reserve_and_the_write_succeeds(
    tmp_path: Path, database: sqlite3.Connection
) -> None:
    file = tmp_path / "state.reserve"
    disk = DiskReserve(file)
    size = file.stat().st_size
    assert size > 100_000

    def write() -> None:
        if not file.exists():
            database.execute("PRAGMA max_page_count = 1000")
        insert(database)

    disk.write(write)
    assert database.execute("SELECT count(*) FROM logs").fetchone() == (1,)
    assert file.stat().st_size == size  # occupied again


def test_disk_that_stays_full_is_an_error(
    tmp_path: Path, database: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reserve, "_PATIENCE_S", 0.1)
    with pytest.raises(sqlite3.OperationalError, match="full"):
        DiskReserve(tmp_path / "state.reserve").write(lambda: insert(database))


def test_other_errors_are_not_repeated(tmp_path: Path, database: sqlite3.Connection) -> None:
    calls = []

    def write() -> None:
        calls.append(1)
        database.execute("INSERT INTO absent VALUES (1)")

    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        DiskReserve(tmp_path / "state.reserve").write(write)
    assert calls == [1]
    assert (tmp_path / "state.reserve").exists()
