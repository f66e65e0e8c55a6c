"""kill -9 of the server and of a job's process at each of their commit points: nothing is lost."""

from __future__ import annotations

import http.client
import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from crash_points import JOB, SERVER, CrashPoint
from driving import StudioServer, find_free_port, list_processes
from job_inputs import write_film
from job_ops import install_ops

from kinoloom import read

TABLE, MANAGER = "kinoloom.studio.jobs.table", "kinoloom.studio.jobs.manager"
EVENTS = "kinoloom.jobs.events"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    site = install_ops(tmp_path / "site")
    paths = [str(site), *filter(None, [os.environ.get("PYTHONPATH")])]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(paths))
    films = tmp_path / "films"
    films.mkdir()
    write_film(films, "in.mkv", 30, size=32)
    yield films
    for pid in list_processes(str(films)):
        os.kill(pid, signal.SIGKILL)


def wait_for(path: Path) -> None:
    end = time.monotonic() + 120
    while not path.exists():
        assert time.monotonic() < end, f"nothing crashed: no {path}"
        time.sleep(0.05)


@pytest.mark.parametrize(
    "point",
    [
        CrashPoint(SERVER, TABLE, "JobTable.add", "before"),
        CrashPoint(SERVER, TABLE, "JobTable.add", "after"),
        CrashPoint(SERVER, MANAGER, "JobManager._prepare", "before"),
        CrashPoint(SERVER, MANAGER, "start_process", "before"),
        CrashPoint(SERVER, MANAGER, "start_process", "after"),
        CrashPoint(SERVER, MANAGER, "RunningJob.read_events", "after", 3),
        CrashPoint(SERVER, MANAGER, "JobManager._finish", "before"),
        CrashPoint(SERVER, MANAGER, "describe_files", "after"),
        CrashPoint(SERVER, MANAGER, "JobManager._finish", "after"),
    ],
    ids=str,
)
def test_killed_server_loses_no_job(
    folder: Path, monkeypatch: pytest.MonkeyPatch, point: CrashPoint
) -> None:
    mark, port = folder.parent / "crashed", find_free_port()
    point.install(folder.parent / "site", mark, monkeypatch)
    first = StudioServer(folder)
    first.start(port)
    cookie = first.client.cookie
    with suppress(http.client.HTTPException, ConnectionError):  # it may die before it answers
        first.client.start("crawl", "in.mkv", pause=0.02, output="out.mkv", codec="ffv1")
    wait_for(mark)
    first.kill()
    second = StudioServer(folder)
    second.start(port)
    second.client.cookie = cookie  # the session is kept, too
    try:
        jobs = second.client.read("/api/jobs")["jobs"]
        if point.path == "JobTable.add" and point.when == "before":
            assert jobs == []
            return
        (job,) = jobs
        assert second.client.wait(job["id"])["state"] == "done"
        assert len(list(read(folder / "out.mkv"))) == 30
        assert sorted(one.name for one in folder.iterdir()) == [".kinoloom", "in.mkv", "out.mkv"]
        assert list_processes(f"{folder}/.kinoloom/jobs") == []
    finally:
        second.stop()


@pytest.mark.parametrize(
    ("point", "state"),
    [
        (CrashPoint(JOB, EVENTS, "EventWriter.__enter__", "before"), "stopped"),
        (CrashPoint(JOB, EVENTS, "EventWriter._append", "after", 1), "stopped"),
        (CrashPoint(JOB, EVENTS, "EventWriter._append", "before", 2), "stopped"),
        (CrashPoint(JOB, "kinoloom.jobs.run", "run_job", "before"), "stopped"),
        (CrashPoint(JOB, "kinoloom.jobs.run", "run_job", "after"), "done"),
        (CrashPoint(JOB, EVENTS, "EventWriter.__exit__", "after"), "done"),
    ],
    ids=str,
)
def test_killed_job_is_done_or_can_be_resumed(
    folder: Path, monkeypatch: pytest.MonkeyPatch, point: CrashPoint, state: str
) -> None:
    mark = folder.parent / "crashed"
    point.install(folder.parent / "site", mark, monkeypatch)
    studio = StudioServer(folder)
    studio.start()
    try:
        id_ = studio.client.start("crawl", "in.mkv", pause=0.02, output="out.mkv", codec="ffv1")
        job = studio.client.wait(id_)
        assert mark.exists()
        assert job["state"] == state, job
        assert (folder / "out.mkv").exists() == (state == "done")
        if state == "stopped":
            studio.client.submit(f"/api/jobs/{id_}/resume")
            assert studio.client.wait(id_)["state"] == "done"
        assert len(list(read(folder / "out.mkv"))) == 30
        assert sorted(one.name for one in folder.iterdir()) == [".kinoloom", "in.mkv", "out.mkv"]
    finally:
        studio.stop()
