"""The jobs in the database: the latest 1,000."""

from __future__ import annotations

from collections.abc import Sequence

from kinoloom.studio.jobs.record import JobRecord
from kinoloom.studio.responses import RequestError
from kinoloom.studio.state.database import Database

MAX_JOBS = 1_000
_ACTIVE = "state IN ('waiting', 'running', 'paused')"


class JobTable:
    """Reads and writes job records; every change is committed when a method returns.

    Args:
        database: of the studio.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, job: JobRecord) -> tuple[JobRecord, list[str]]:
        """Store a new job at the end of the queue.

        Returns:
            The stored record, and the ids of the oldest ended jobs, which had to make room.

        Raises:
            RequestError: 1,000 jobs have not ended.
        """
        with self._database.transaction():
            removed = self._make_room()
            row = self._database.find("SELECT coalesce(max(position), 0) + 1 AS next FROM jobs")
            job = job.with_(position=row["next"] if row else 1.0)
            values = job.to_row()
            names, marks = ", ".join(values), ", ".join("?" * len(values))
            self._database.execute(f"INSERT INTO jobs ({names}) VALUES ({marks})", *values.values())
        return self.get(job.id), removed

    def save(self, job: JobRecord) -> None:
        """Store a changed job."""
        values = job.to_row()
        marks = ", ".join(f"{name} = ?" for name in values)
        self._database.execute(f"UPDATE jobs SET {marks} WHERE id = ?", *values.values(), job.id)

    def remove(self, id_: str) -> None:
        """Remove a job."""
        self._database.execute("DELETE FROM jobs WHERE id = ?", id_)

    def get(self, id_: str) -> JobRecord:
        """Return a job.

        Raises:
            RequestError: there is none of this id (404).
        """
        row = self._database.find("SELECT * FROM jobs WHERE id = ?", id_)
        if row is None:
            raise RequestError(404, f"There is no job '{id_}'.", "It may have been removed.")
        return JobRecord.from_row(row)

    def list_page(self, after: str, limit: int, *, only_active: bool) -> list[JobRecord]:
        """Return jobs, newest first.

        Args:
            after: only jobs older than that one; "" for the newest.
            limit: the most jobs.
            only_active: only those that have not ended.
        """
        below = self.get(after).number if after else 2**62
        where = f"number < ? AND {_ACTIVE}" if only_active else "number < ?"
        rows = self._database.query(
            f"SELECT * FROM jobs WHERE {where} ORDER BY number DESC LIMIT ?", below, limit
        )
        return [JobRecord.from_row(row) for row in rows]

    def list_state(self, *states: str) -> list[JobRecord]:
        """Return all jobs in some states, by their place in the queue."""
        marks = ", ".join("?" * len(states))
        rows = self._database.query(
            f"SELECT * FROM jobs WHERE state IN ({marks}) ORDER BY position, number", *states
        )
        return [JobRecord.from_row(row) for row in rows]

    def list_same(self, fingerprint: str) -> list[JobRecord]:
        """Return the done jobs of a fingerprint, newest first."""
        rows = self._database.query(
            "SELECT * FROM jobs WHERE fingerprint = ? AND state = 'done' ORDER BY number DESC",
            fingerprint,
        )
        return [JobRecord.from_row(row) for row in rows]

    def count(self) -> int:
        """Return the number of jobs."""
        row = self._database.find("SELECT count(*) AS count FROM jobs")
        return row["count"] if row else 0

    def reorder(self, ids: Sequence[str]) -> None:
        """Give waiting jobs their places, in this order."""
        with self._database.transaction():
            for place, id_ in enumerate(ids):
                self._database.execute("UPDATE jobs SET position = ? WHERE id = ?", place, id_)

    def confirm(self, digest: str, person: str, time_s: float) -> None:
        """Record that a person allowed the code of this content to run."""
        self._database.execute(
            "INSERT OR IGNORE INTO confirmed_files VALUES (?, ?, ?)", digest, person, time_s
        )

    def list_confirmed(self) -> list[str]:
        """Return the digests of all confirmed files."""
        return [row["digest"] for row in self._database.query("SELECT * FROM confirmed_files")]

    def _make_room(self) -> list[str]:
        excess = self.count() + 1 - MAX_JOBS
        if excess <= 0:
            return []
        rows = self._database.query(
            f"SELECT id FROM jobs WHERE NOT {_ACTIVE} ORDER BY number LIMIT ?", excess
        )
        if len(rows) < excess:
            raise RequestError(
                503, f"{MAX_JOBS:,} jobs wait already.", "Cancel some, or wait until some end."
            )
        for row in rows:
            self.remove(row["id"])
        return [row["id"] for row in rows]
