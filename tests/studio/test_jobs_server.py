"""Jobs of the studio: start, progress, pause, cancel, resume, and what survives the server."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from driving import StudioServer, list_processes
from job_inputs import write_film, write_photos
from job_ops import install_ops

from kinoloom import read

Start = Callable[..., StudioServer]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a film of 60 small frames and one of 400, and ops for tests."""
    site = install_ops(tmp_path / "site")
    paths = [str(site), *filter(None, [os.environ.get("PYTHONPATH")])]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(paths))
    films = tmp_path / "films"
    films.mkdir()
    write_film(films, "in.mkv", 60, size=32)
    write_film(films, "long.mkv", 400, size=32)
    return films


@pytest.fixture
def start(folder: Path) -> Iterator[Start]:
    """Start studios; they, and their jobs, end with the test."""
    started: list[StudioServer] = []

    def start_one(*arguments: str) -> StudioServer:
        started.append(StudioServer(folder, arguments))
        started[-1].start()
        return started[-1]

    yield start_one
    for studio in started:
        studio.stop()
    for pid in list_processes(str(folder)):
        os.kill(pid, signal.SIGKILL)


def job_processes(folder: Path) -> list[int]:
    return list_processes(f"{folder}/.kinoloom/jobs")


def children(folder: Path) -> list[int]:
    """Return what the op `stubborn` started; other tests run it at the same time."""
    return list_processes(f"child of {folder}/")


def test_film_from_two_photos(folder: Path, start: Start) -> None:
    studio = start()
    write_photos(folder)
    with studio.client.listen("jobs") as listening:
        id_ = studio.client.start("interpolate", "a.png", "b.png", fps="12", engine="fast")
        seen = []
        for job in (event["data"] for event in listening):
            seen.append(job)
            if job["state"] not in ("waiting", "running"):
                break
    assert {one["id"] for one in seen} == {id_}
    assert seen[-1]["state"] == "done"
    assert seen[-1]["output"] == "a-interpolate.mp4"
    assert seen[-1]["title"] == "Interpolate a.png, b.png (engine fast, fps 12)"
    counts = [one["done"] for one in seen if one["done"] is not None]
    assert counts == sorted(counts)
    assert counts[-1] == seen[-1]["total"] == len(list(read(folder / "a-interpolate.mp4")))
    assert (folder / "a-interpolate.mp4").is_file()


def test_progress_arrives_at_most_four_times_a_second(start: Start) -> None:
    studio = start()
    with studio.client.listen("jobs") as listening:
        studio.client.start("crawl", "in.mkv", pause=0.02)
        updates = []
        for job in (event["data"] for event in listening):
            updates.append(job)
            if job["state"] == "done":
                break
    counted = [job for job in updates if job["done"]]
    assert counted[-1]["done"] == 60
    assert len(counted) < 30
    assert any((job["rate"] or 0) > 0 for job in counted)


def test_killed_server_loses_nothing(folder: Path, start: Start) -> None:
    first = start()
    running = first.client.start("crawl", "long.mkv", pause=0.5, gate="open")
    waiting = first.client.start("crawl", "in.mkv", pause=0)
    job = first.client.wait_for(running, lambda job: (job["done"] or 0) > 3)
    queued = first.client.job(waiting)
    assert queued["state"] == "waiting"
    assert queued["waiting_for"].startswith("Starts when a running job ends: 1 job")
    first.kill()
    before = job_processes(folder)
    assert len(before) == 1
    second = start()
    adopted = second.client.job(running)
    assert adopted["state"] == "running"
    assert adopted["done"] >= job["done"]
    assert adopted["notes"] == job["notes"]
    assert job_processes(folder) == before
    (folder / "open").touch()
    assert second.client.wait(running)["state"] == "done"
    assert len(list(read(folder / "long-crawl.mp4"))) == 400
    assert second.client.wait(waiting)["state"] == "done"
    assert (folder / "in-crawl.mp4").is_file()


def test_job_that_ends_while_no_server_runs_is_done(folder: Path, start: Start) -> None:
    first = start()
    id_ = first.client.start("crawl", "in.mkv", pause=0.02)
    first.client.wait_for(id_, lambda job: job["done"])
    first.kill()
    while job_processes(folder):
        time.sleep(0.05)
    job = start().client.wait(id_)
    assert (job["state"], job["done"]) == ("done", 60)


def test_killed_job_stops_and_resumes(folder: Path, start: Start) -> None:
    studio = start()
    id_ = studio.client.start("crawl", "long.mkv", pause=0.02)
    # A segment has 250 frames; it is complete some frames later.
    studio.client.wait_for(id_, lambda job: (job["done"] or 0) > 310)
    (pid,) = job_processes(folder)
    os.kill(pid, signal.SIGKILL)
    job = studio.client.wait(id_)
    assert job["state"] == "stopped"
    assert "signal 9" in job["error"]
    assert "Resume" in job["hint"]
    studio.client.submit(f"/api/jobs/{id_}/resume")
    job = studio.client.wait(id_)
    assert job["state"] == "done"
    assert "250 frames exist already." in [note["message"] for note in job["notes"]]
    assert len(list(read(folder / "long-crawl.mp4"))) == 400
    assert [path.name for path in folder.glob(".*crawl*")] == []


def test_cancelled_job_leaves_no_process(folder: Path, start: Start) -> None:
    studio = start()
    id_ = studio.client.start("crawl", "long.mkv", pause=0.3)
    studio.client.wait_for(id_, lambda job: job["done"])
    assert studio.client.submit(f"/api/jobs/{id_}/cancel")["cancelling"]
    assert studio.client.wait(id_)["state"] == "cancelled"
    assert job_processes(folder) == []
    assert not (folder / "long-crawl.mp4").exists()
    answer = studio.client.post(f"/api/jobs/{id_}/cancel")
    assert (answer.status, answer.json["error"]) == (409, "This job has ended.")


def test_cancel_ends_processes_that_ignore_signals(folder: Path, start: Start) -> None:
    studio = start()
    (folder / "box").mkdir()
    id_ = studio.client.start("stubborn", "box")
    while not (folder / "box" / "ready").exists():
        time.sleep(0.05)
    assert len(children(folder)) >= 2
    studio.client.submit(f"/api/jobs/{id_}/cancel")
    assert studio.client.wait(id_)["state"] == "cancelled"
    assert children(folder) == []
    assert job_processes(folder) == []


def test_cancel_survives_the_server(folder: Path, start: Start) -> None:
    first = start()
    (folder / "box").mkdir()
    id_ = first.client.start("stubborn", "box")
    while not (folder / "box" / "ready").exists():
        time.sleep(0.05)
    first.client.submit(f"/api/jobs/{id_}/cancel")
    first.kill()
    assert start().client.wait(id_)["state"] == "cancelled"
    assert children(folder) == []


def test_paused_job_does_nothing_until_it_continues(folder: Path, start: Start) -> None:
    studio = start()
    id_ = studio.client.start("crawl", "long.mkv", pause=0.5, gate="open")
    studio.client.wait_for(id_, lambda job: job["done"])
    assert studio.client.submit(f"/api/jobs/{id_}/pause")["state"] == "paused"
    (pid,) = job_processes(folder)
    stat = Path(f"/proc/{pid}/stat")
    assert stat.read_text().rpartition(")")[2].split()[0] == "T"
    assert studio.client.post(f"/api/jobs/{id_}/pause").status == 409
    other = studio.client.start("crawl", "in.mkv", pause=0)
    assert studio.client.wait(other)["state"] == "done"  # a paused job leaves its slot to others
    assert studio.client.job(id_)["state"] == "paused"
    assert studio.client.submit(f"/api/jobs/{id_}/continue")["state"] == "running"
    (folder / "open").touch()
    assert studio.client.wait(id_)["state"] == "done"


def test_paused_job_can_be_cancelled_by_the_next_server(folder: Path, start: Start) -> None:
    first = start()
    id_ = first.client.start("crawl", "long.mkv", pause=0.3)
    first.client.wait_for(id_, lambda job: job["done"])
    first.client.submit(f"/api/jobs/{id_}/pause")
    first.kill()
    second = start()
    assert second.client.job(id_)["state"] == "paused"
    second.client.submit(f"/api/jobs/{id_}/cancel")
    assert second.client.wait(id_)["state"] == "cancelled"
    assert job_processes(folder) == []


def test_stopping_the_server_leaves_jobs_unless_they_are_to_end(folder: Path, start: Start) -> None:
    first = start()
    id_ = first.client.start("crawl", "long.mkv", pause=0.5)
    first.client.wait_for(id_, lambda job: job["done"])
    first.stop()
    assert "The studio has stopped. 1 job continues" in first.messages
    assert len(job_processes(folder)) == 1
    second = start("--end-jobs")
    assert second.client.job(id_)["state"] == "running"
    second.stop()
    assert job_processes(folder) == []
    assert start().client.job(id_)["state"] == "cancelled"


def test_failed_job_reports_its_error_as_text(folder: Path, start: Start) -> None:
    studio = start()
    job = studio.client.wait(studio.client.start("crawl", "in.mkv", pause=0, fail_at=3))
    assert job["state"] == "failed"
    assert job["error"] == "Unexpected error: RuntimeError: <b>the snail is tired</b>"
    assert "Traceback" in studio.client.read(f"/api/jobs/{job['id']}/log")["text"]
    assert job["notes"][0] == {"level": "warning", "message": "<img src=x> slow as ever"}
    again = studio.client.submit(f"/api/jobs/{job['id']}/again")
    assert again["id"] != job["id"]


def test_long_log_is_read_in_parts(start: Start) -> None:
    studio = start()
    id_ = studio.client.start("burst")
    job = studio.client.wait(id_)
    assert (job["state"], job["has_report"], job["output"]) == ("done", True, None)
    assert studio.client.read(f"/api/jobs/{id_}/report") == {"lines": 40_000}
    end = studio.client.read(f"/api/jobs/{id_}/log")
    assert end["next"] == end["total"] > 1_000_000
    assert "line 39999" in end["text"]
    text, after = "", 0
    while after < end["total"]:
        part = studio.client.read(f"/api/jobs/{id_}/log?after={after}")
        assert len(part["text"]) <= 65_536
        text, after = text + part["text"], part["next"]
    assert text.count("\n") >= 40_000
    assert text.count("line 20000 ") == 1


def test_waiting_jobs_are_reordered(start: Start) -> None:
    studio = start()
    running = studio.client.start("crawl", "long.mkv", pause=0.5)
    one, two, three = (studio.client.start("crawl", "in.mkv", pause=0) for _ in range(3))
    assert studio.client.post(f"/api/jobs/{running}/move", {"before": one}).status == 409
    studio.client.submit(f"/api/jobs/{three}/move", {"before": one})
    studio.client.submit(f"/api/jobs/{one}/move", {"before": None})
    studio.client.submit(f"/api/jobs/{running}/cancel")
    started = {id_: studio.client.wait(id_)["started"] for id_ in (one, two, three)}
    assert sorted(started, key=lambda id_: started[id_]) == [three, two, one]


def test_two_jobs_run_at_once_where_allowed(start: Start) -> None:
    studio = start("--jobs", "2")
    first, second = (studio.client.start("crawl", "long.mkv", pause=0.5) for _ in range(2))
    studio.client.wait_for(first, lambda job: job["done"])
    assert {studio.client.job(id_)["state"] for id_ in (first, second)} == {"running"}
    third = studio.client.start("crawl", "in.mkv", pause=0)
    assert "2 jobs run at once" in studio.client.job(third)["waiting_for"]


def test_job_waits_for_memory(start: Start) -> None:
    studio = start("--jobs", "3")
    half = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    first = studio.client.start("crawl", "long.mkv", pause=0.5, memory=half)
    second = studio.client.start("crawl", "in.mkv", pause=0, memory=half)
    third = studio.client.start("crawl", "in.mkv", pause=0)
    assert studio.client.job(first)["state"] == "running"
    waits = studio.client.job(second)
    assert (waits["state"], waits["waiting_for"][:10]) == ("waiting", "Waits for ")
    assert "of memory" in waits["waiting_for"]
    # It may not take what the second waits for.
    assert studio.client.job(third)["state"] == "waiting"
    studio.client.submit(f"/api/jobs/{first}/cancel")
    assert studio.client.wait(second)["state"] == "done"


def test_second_command_opens_the_same_studio(folder: Path, start: Start) -> None:
    first = start()
    second = StudioServer(folder)
    second.start()
    assert second.pid == first.pid
    assert second.process is not None
    second.process.wait(60)
    assert second.stop() == 0
    id_ = second.client.start("crawl", "in.mkv", pause=0)
    assert first.client.wait(id_)["state"] == "done"


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a tmpfs requires root")
def test_job_on_a_full_disk_fails_and_resumes_when_there_is_room(
    folder: Path, start: Start
) -> None:
    mount = ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("a tmpfs cannot be mounted here")
    try:
        write_film(folder, "in.mkv", 60, size=96)
        studio = start()
        id_ = studio.client.start("crawl", "in.mkv", pause=0.05, codec="ffv1", output="out.mkv")
        studio.client.wait_for(id_, lambda job: job["done"])
        with pytest.raises(OSError, match="No space left"), (folder / "fill").open("wb") as fill:
            while True:
                fill.write(bytes(1024))
        while job_processes(folder):
            time.sleep(0.05)
        assert studio.client.read("/api/jobs")["total"] == 1  # the server still answers
        (folder / "fill").unlink()
        job = studio.client.wait(id_)
        assert (job["state"], "the disk is full" in job["error"]) == ("failed", True), job
        studio.client.submit(f"/api/jobs/{id_}/resume")
        assert studio.client.wait(id_)["state"] == "done"
        assert len(list(read(folder / "out.mkv"))) == 60
        studio.stop()
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)
