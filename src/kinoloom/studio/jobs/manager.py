"""The jobs of a studio: a queue, the running processes, and what a person may do with them.

The row of a job is committed before its process starts. The process outlives the server: the next
one finds it by its row, its id with its start time, or its lock, and follows its events again.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import shutil
import signal
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from kinoloom.base.notes import logger
from kinoloom.base.outputs import work_folder
from kinoloom.base.outputs.temporary import remove_abandoned_folders
from kinoloom.base.page import Person
from kinoloom.errors import OutputError
from kinoloom.jobs.process import BELL, EVENTS, REQUEST
from kinoloom.studio.jobs.follower import Follower
from kinoloom.studio.jobs.made import describe_files, find_made
from kinoloom.studio.jobs.processes import JobProcess, is_locked, start_process
from kinoloom.studio.jobs.record import JobRecord, State, describe
from kinoloom.studio.jobs.running import RunningJob
from kinoloom.studio.jobs.slots import Slots
from kinoloom.studio.jobs.table import JobTable
from kinoloom.studio.responses import RequestError

TICK_S = 0.25
"""Running processes are looked at this often; their bell announces events earlier."""

_RETRY_S = 1.0

Publish = Callable[[str, Mapping[str, Any]], None]
"""Sends an event: (topic, data)."""


class JobManager:
    """Runs the jobs of a studio; all methods belong to the server's event loop.

    Args:
        table: of the jobs.
        folder: .kinoloom/jobs, with one folder for each job.
        working_folder: the first folder of the studio; jobs run in it.
        slots: how many run at once.
        publish: sends events to pages.

    Attributes:
        make_room: called before a job starts, with the bytes that it is expected to need.
    """

    def __init__(
        self, table: JobTable, folder: Path, working_folder: Path, slots: Slots, publish: Publish
    ) -> None:
        self.table, self.folder = table, folder
        self._working_folder, self._slots, self._publish = working_folder, slots, publish
        self._running: dict[str, RunningJob] = {}
        self._waiting_for: dict[str, str] = {}
        self._wake = asyncio.Event()
        self._bell: int | None = None
        self._task: asyncio.Task[None] | None = None
        self.make_room: Callable[[int], None] = lambda nbytes: None

    # --- life ---

    def start(self) -> None:
        """Adopt the jobs of an earlier server and begin to run waiting ones.

        Raises:
            OutputError: the folder cannot be written.
        """
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._open_bell()
        for job in self.table.list_state("running", "paused"):
            self._adopt(job)
        self._dispatch()
        self._task = asyncio.get_running_loop().create_task(self._watch())

    async def close(self, *, end_jobs: bool) -> None:
        """Stop following the jobs; they continue unless `end_jobs` is set."""
        if end_jobs:
            for running in list(self._running.values()):
                self.cancel(running.job.id)
            while self._running:
                await asyncio.sleep(TICK_S / 5)
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        if self._bell is not None:
            asyncio.get_running_loop().remove_reader(self._bell)
            os.close(self._bell)

    @property
    def running_count(self) -> int:
        """The number of jobs that have a process."""
        return len(self._running)

    # --- what pages see ---

    def describe(self, job: JobRecord) -> dict[str, Any]:
        """Return a job as pages see it, with its present progress."""
        running = self._running.get(job.id)
        return describe(running.job if running else job, self._waiting_for.get(job.id, ""))

    def get(self, id_: str) -> JobRecord:
        """Return a job.

        Raises:
            RequestError: there is none of this id (404).
        """
        running = self._running.get(id_)
        return running.job if running else self.table.get(id_)

    def list_taken(self) -> list[str]:
        """Return the outputs and reports of jobs that have not ended."""
        programs = (
            job.plan["program"] for job in self.table.list_state("waiting", "running", "paused")
        )
        return [path for one in programs for path in (one["output"], one["report"]) if path]

    def find_made(self, plan: Mapping[str, Any]) -> str | None:
        """Return the output of a done job that did this work on the same files, or None."""
        return find_made(plan, self.table.list_same(plan["fingerprint"]))

    # --- what a person does ---

    def add(self, person: Person, body: Mapping[str, Any], plan: Mapping[str, Any]) -> JobRecord:
        """Add a job to the queue, and start it if a slot is free.

        Raises:
            RequestError: 1,000 jobs have not ended.
            OutputError: the state cannot be written.
        """
        job = JobRecord(secrets.token_hex(6), "waiting", body, plan, person.name, time.time())
        job, removed = self.table.add(job)
        for id_ in removed:
            self._remove_folder(id_)
        self._dispatch()
        job = self.get(job.id)
        if job.state == "waiting":
            self._announce(job)
        return job

    def cancel(self, id_: str) -> JobRecord:
        """Request the end of a job.

        Raises:
            RequestError: unknown (404), or it has ended (409).
        """
        job = self._get_active(id_)
        running = self._running.get(id_)
        if running is None:
            saved = self._save(job.with_(state="cancelled", ended=time.time()))
            self._dispatch()  # a later job may have waited for what this one needs
            return saved
        running.job = job.with_(cancelling=True, state="running")
        running.cancel()
        return self._save(running.job)

    def pause(self, id_: str) -> JobRecord:
        """Stop a running job until `continue_`.

        Raises:
            RequestError: unknown (404), or it does not run (409).
        """
        return self._hold(id_, "running", "paused")

    def continue_(self, id_: str) -> JobRecord:
        """Continue a paused job.

        Raises:
            RequestError: unknown (404), or it is not paused (409).
        """
        return self._hold(id_, "paused", "running")

    def resume(self, id_: str) -> JobRecord:
        """Run a job again that ended without a result; a film continues with its next segment.

        Raises:
            RequestError: unknown (404), or it has not ended or is complete (409).
        """
        job = self.table.get(id_)
        if id_ in self._running or not job.can_resume:
            raise RequestError(409, f"A job that is {job.state} cannot be resumed.")
        job = job.with_(state="waiting", ended=None, started=None, resumes=job.resumes + 1)
        job = self._save(job.with_(progress={}, result={}, cancelling=False))
        self._dispatch()
        return self.get(id_)

    def move(self, id_: str, before: str | None) -> JobRecord:
        """Move a waiting job before another one; None: to the end of the queue.

        Raises:
            RequestError: unknown (404), or one of them does not wait (409).
        """
        self.table.get(id_)
        ids = [job.id for job in self.table.list_state("waiting")]
        for one in (id_, before):
            if one is not None and one not in ids:
                raise RequestError(409, "Only waiting jobs can be moved.", "It has started.")
        ids.remove(id_)
        ids.insert(ids.index(before) if before and before != id_ else len(ids), id_)
        self.table.reorder(ids)
        self._dispatch()
        for one in ids:
            self._announce(self.get(one))
        return self.get(id_)

    def remove(self, id_: str) -> None:
        """Remove an ended job from the list, with its log; its output stays.

        Raises:
            RequestError: unknown (404), or it has not ended (409).
        """
        job = self.get(id_)
        if job.is_active:
            raise RequestError(409, "This job has not ended.", "Cancel it first.")
        self.table.remove(id_)
        self._remove_folder(id_)
        self._publish("jobs", {"id": id_, "removed": True})

    # --- the queue ---

    def _dispatch(self) -> None:
        """Start the waiting jobs that have a slot."""
        waiting = self.table.list_state("waiting")
        running = [one.job for one in self._running.values()]
        chosen, reasons = self._slots.choose(waiting, running)
        changed = [job for job in waiting if reasons.get(job.id) != self._waiting_for.get(job.id)]
        self._waiting_for = reasons
        for job in chosen:
            self._start(job)
        for job in changed:
            if job.id in reasons:
                self._announce(job)

    def _start(self, job: JobRecord) -> None:
        folder = self.folder / job.id
        job = job.with_(state="running", started=time.time())
        self.table.save(job)  # before the process starts
        self.make_room(self._slots.need(job).memory_bytes)
        try:
            self._prepare(folder, job)
            process = start_process(folder, self._working_folder, self._slots.threads)
        except OSError as error:
            message = f"The job cannot be started: {error}."
            hint = "Free disk space and memory, then resume it."
            result = {"error": message, "hint": hint}
            self._save(job.with_(state="failed", ended=time.time(), result=result))
            return
        job = job.with_(pid=process.pid, process_started=process.started)
        self._running[job.id] = RunningJob(job, process, Follower(folder / EVENTS))
        process.watch_end(self._wake.set)
        self._save(job)
        self._wake.set()

    def _prepare(self, folder: Path, job: JobRecord) -> None:
        """Write the request of a job for its process."""
        folder.mkdir(mode=0o700, exist_ok=True)
        (folder / EVENTS).unlink(missing_ok=True)  # of the run that this one resumes
        program = dict(job.plan["program"])
        if job.resumes and job.plan["can_resume"] and _has_segments(program["output"]):
            program["options"] = {**program["options"], "resume": True}
        (folder / REQUEST).write_text(json.dumps(program), encoding="utf-8")

    def _adopt(self, job: JobRecord) -> None:
        """Follow a job of an earlier server."""
        folder = self.folder / job.id
        process = JobProcess(folder, job.pid, job.process_started)
        if job.pid is None and not is_locked(folder):
            self.table.save(job.with_(state="waiting", started=None))  # it was never started
            return
        running = RunningJob(job.with_(result={}), process, Follower(folder / EVENTS))
        running.read_events()
        self._running[job.id] = running
        process.watch_end(self._wake.set)
        if job.cancelling:
            running.cancel()

    # --- following ---

    async def _watch(self) -> None:
        while True:
            timeout = TICK_S if self._running else None
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), timeout)
            self._wake.clear()
            try:
                self._look()
            except OutputError as error:  # a full disk: tried again later
                logger.warning("%s", error)
                await asyncio.sleep(_RETRY_S)
            except Exception:  # noqa: BLE001  one job must not end the care for all others
                logger.exception("The jobs cannot be followed.")
                await asyncio.sleep(_RETRY_S)

    def _look(self) -> None:
        """Read the events of all running jobs, and finish those whose process has ended."""
        for id_, running in list(self._running.items()):
            running.press()
            is_alive = running.process.is_alive()  # before its last events are read
            if running.read_events() and is_alive:
                self._announce(running.job)
            if not is_alive:
                self._finish(id_, running)

    def _finish(self, id_: str, running: RunningJob) -> None:
        running.process.kill_rest()
        job = running.finish(time.time())
        if job.state == "done":
            job = job.with_(made=describe_files(job.plan))
        elif job.plan["program"]["output"]:
            remove_abandoned_folders(Path(job.plan["program"]["output"]).parent)
        self.table.save(job)
        del self._running[id_]
        self._announce(job)
        self._dispatch()

    # --- helpers ---

    def _hold(self, id_: str, before: State, after: State) -> JobRecord:
        job = self._get_active(id_)
        running = self._running.get(id_)
        if running is None or job.state != before or job.cancelling:
            raise RequestError(
                409, f"This job is {job.state}.", f"Only a {before} job can become {after}."
            )
        number = signal.SIGSTOP if after == "paused" else signal.SIGCONT
        running.process.send_all(number)
        running.job = job.with_(state=after)
        saved = self._save(running.job)
        self._dispatch()
        return saved

    def _get_active(self, id_: str) -> JobRecord:
        job = self.get(id_)
        if not job.is_active:
            raise RequestError(409, "This job has ended.", "Start it again, or resume it.")
        return job

    def _save(self, job: JobRecord) -> JobRecord:
        self.table.save(job)
        self._announce(job)
        return job

    def _announce(self, job: JobRecord) -> None:
        self._publish("jobs", self.describe(job))

    def _remove_folder(self, id_: str) -> None:
        shutil.rmtree(self.folder / id_, ignore_errors=True)

    def _open_bell(self) -> None:
        bell = self.folder / BELL
        with suppress(FileExistsError):
            os.mkfifo(bell, 0o600)
        # Also open for writing: the pipe would otherwise end whenever no job has it open.
        self._bell = os.open(bell, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW)
        asyncio.get_running_loop().add_reader(self._bell, self._hear)

    def _hear(self) -> None:
        if self._bell is not None:
            with suppress(BlockingIOError):
                os.read(self._bell, 65_536)
        self._wake.set()


def _has_segments(output: str | None) -> bool:
    """Whether an interrupted film left segments, with which it continues."""
    return output is not None and work_folder(Path(output)).is_dir()
