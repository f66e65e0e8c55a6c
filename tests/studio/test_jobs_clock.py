"""A clock that is set back, or jumps ahead as after a sleep, between two runs of a studio."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from driving import StudioServer, find_free_port, list_processes, python_path
from job_inputs import write_photos

SHIFT = """
import os, time

real = time.time
time.time = lambda: real() + float(os.environ.get("SHIFT", 0))
"""
NOTE = "/api/documents/notes/note/clock"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with two photos; processes take the time from SHIFT."""
    site = tmp_path / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(SHIFT)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(python_path(site)))
    films = tmp_path / "films"
    films.mkdir()
    write_photos(films)
    yield films
    for pid in list_processes(str(films)):  # of a test that failed
        os.kill(pid, signal.SIGKILL)


def insert(studio: StudioServer, seq: int, id_: str) -> None:
    change = {"type": "insert", "id": id_, "after": "", "text": id_}
    body = {"changes": [{"key": id_, "seq": seq, "change": change}]}
    assert studio.client.submit(f"{NOTE}/changes", body)["seq"] == seq + 1


@pytest.mark.parametrize("shift_s", [-86_400, 3_600])
def test_nothing_depends_on_the_order_of_clock_times(folder: Path, shift_s: int) -> None:
    port = find_free_port()
    choices = {"engine": "fast", "fps": "4", "seconds": "1"}
    first = StudioServer(folder, environment={"SHIFT": "0"})
    first.start(port)
    one = first.client.start("interpolate", "a.png", "b.png", output="one.mp4", **choices)
    assert first.client.wait(one)["state"] == "done"
    insert(first, 0, "p1")
    link = first.create_link().partition("token=")[2]
    removed = first.client.request("DELETE", "/api/files?path=one.mp4").json
    first.stop()
    second = StudioServer(folder, environment={"SHIFT": str(shift_s)})
    second.start(port)
    try:
        cookie = first.client.cookie
        client = second.stranger()
        client.cookie = cookie
        assert client.get("/api/state").status == 200  # the login is still valid
        assert second.stranger().log_in(link).get("/api/state").status == 200
        insert(second, 1, "p2")
        second.client.submit(f"{NOTE}/undo", {"key": "u"})
        state = second.client.read(NOTE)["state"]
        assert [part["text"] for part in state["paragraphs"]] == ["p1"]
        two = client.start("interpolate", "a.png", "b.png", output="two.mp4", **choices)
        ended = client.wait(two)
        assert ended["state"] == "done"
        assert ended["ended"] >= ended["started"] >= ended["created"]
        jobs = client.read("/api/jobs")["jobs"]
        assert [job["id"] for job in jobs] == [two, one]  # the newest is first
        assert client.submit("/api/restore", removed) == {"path": "one.mp4"}
    finally:
        second.stop()
