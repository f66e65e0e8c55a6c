"""Requests for jobs: what is refused, what must be confirmed, names, and work done before."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from driving import StudioServer, list_processes
from job_inputs import write_film, write_photos
from job_ops import install_ops


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with photos, a film, a Python file and a link that leads outside."""
    root = tmp_path_factory.mktemp("requests")
    with pytest.MonkeyPatch.context() as patched:
        site = install_ops(root / "site")
        paths = [str(site), *filter(None, [os.environ.get("PYTHONPATH")])]
        patched.setenv("PYTHONPATH", os.pathsep.join(paths))
        films = root / "films"
        (films / "sub").mkdir(parents=True)
        (root / "outside").mkdir()
        (films / "link").symlink_to(root / "outside")
        write_photos(films)
        write_film(films, "in.mkv", 12, size=32)
        (films / "flow.py").write_text("raise SystemExit('no pipeline here')\n")
        yield films


@pytest.fixture(scope="module")
def studio(folder: Path) -> Iterator[StudioServer]:
    """A studio of the folder."""
    started = StudioServer(folder)
    started.start()
    yield started
    started.stop()
    for pid in list_processes(str(folder)):
        os.kill(pid, signal.SIGKILL)


PHOTOS = ["a.png", "b.png"]


@pytest.mark.parametrize(
    ("body", "status", "message", "hint"),
    [
        ({"op": "interpolat"}, 422, "Unknown op 'interpolat'.", "interpolate"),
        ({"op": 7}, 422, "Unknown op '7'.", ""),
        ({"op": "interpolate", "inputs": "a.png"}, 422, "must be a list of paths", ""),
        ({"op": "interpolate", "inputs": []}, 422, "needs an input", ""),
        ({"op": "interpolate", "inputs": ["c.png"]}, 422, "no file 'c.png'", ""),
        ({"op": "interpolate", "inputs": ["../requests"]}, 422, "no file", ""),
        ({"op": "interpolate", "inputs": ["/etc/passwd"]}, 422, "no file", ""),
        ({"op": "interpolate", "inputs": [".kinoloom/studio.db"]}, 422, "no file", ""),
        ({"op": "interpolate", "inputs": ["a\0.png"]}, 422, "no file", ""),
        ({"inputs": PHOTOS, "options": [1]}, 422, "'options' must be", ""),
        ({"inputs": PHOTOS, "options": {"fps": [1]}}, 422, "'options' must be", ""),
        ({"inputs": PHOTOS, "options": {"fsp": 60}}, 422, "Unknown option 'fsp'", "fps"),
        ({"inputs": PHOTOS, "options": {"fps": "x"}}, 422, "--fps: ", ""),
        ({"inputs": PHOTOS, "options": {"quality": 101}}, 422, "from 0 to 100", ""),
        ({"inputs": PHOTOS, "options": {"weights": "../w"}}, 422, "not a path inside", ""),
        ({"inputs": PHOTOS, "options": {"weights": "/etc/passwd"}}, 422, "not a path inside", ""),
        ({"inputs": PHOTOS, "options": {"weights": "link/w"}}, 422, "behind a link", ""),
        ({"inputs": PHOTOS, "output": "../x.mp4"}, 422, "not a path inside", ""),
        ({"inputs": PHOTOS, "output": "link/x.mp4"}, 422, "behind a link", ""),
        ({"inputs": PHOTOS, "output": ".hidden.mp4"}, 422, "not a path inside", ""),
        ({"inputs": PHOTOS, "output": "none/x.mp4"}, 507, "does not exist", ""),
        ({"inputs": PHOTOS, "output": "in.mkv"}, 422, "already exists", "another name"),
        ({"inputs": PHOTOS, "output": "a.png", "options": {"overwrite": True}}, 422, "input", ""),
        ({"inputs": PHOTOS, "output": 5}, 422, "'output' must be", ""),
        ({"op": "burst", "inputs": ["a.png"]}, 422, "takes no input", ""),
        ({"op": "stubborn", "inputs": PHOTOS}, 422, "takes one folder, not 2", ""),
        ({"op": "burst", "report": True}, 422, "no separate report", ""),
    ],
)
def test_wrong_request_is_refused(
    studio: StudioServer, body: dict[str, Any], status: int, message: str, hint: str
) -> None:
    before = studio.client.read("/api/jobs")["total"]
    refused = studio.client.post("/api/jobs", {"op": "interpolate", **body})
    found, answer = refused.status, refused.json
    assert (found, message in answer["error"], hint in answer["hint"]) == (status, True, True), (
        answer
    )
    assert studio.client.read("/api/jobs")["total"] == before


def test_output_gets_the_next_free_name(studio: StudioServer, folder: Path) -> None:
    options = {"pause": 0}
    ids = [studio.client.start("crawl", "in.mkv", **options, again=True) for _ in range(3)]
    outputs = [studio.client.wait(id_)["output"] for id_ in ids]
    assert outputs == ["in-crawl.mp4", "in-crawl-2.mp4", "in-crawl-3.mp4"]
    inside = studio.client.start("crawl", "in.mkv", pause=0, output="sub/é 1.mkv")
    assert studio.client.wait(inside)["output"] == "sub/é 1.mkv"
    assert (folder / "sub" / "é 1.mkv").is_file()


@pytest.mark.parametrize(
    ("inputs", "output"),
    [
        (["a.png"], "a-enhance.png"),
        (["scans/c.JPEG"], "scans/c-enhance.JPEG"),
        (["scans/d.bmp"], "scans/d-enhance.png"),  # BMP is not written
        (["in.mkv"], "in-enhance.mp4"),
        (["a.png", "b.png"], "a-enhance"),
        (["scans"], "scans-enhance"),
        (["sub/my.scans"], "sub/my.scans-enhance"),
        ([""], "films-enhance"),  # the folder of the studio itself
    ],
)
def test_photos_keep_their_format_and_folders_become_folders(
    studio: StudioServer, folder: Path, inputs: list[str], output: str
) -> None:
    for name in ("scans/c.JPEG", "scans/d.bmp", "sub/my.scans/e.png"):
        (folder / name).parent.mkdir(exist_ok=True)
        write_photos(folder, name)
    body = {"inputs": inputs, "options": {"scale": 2}, "output": None, "report": False}
    answer = studio.client.post("/api/ops/enhance/command", body).json
    assert (answer["problem"], answer["output"]) == (None, output)


def test_a_folder_with_another_photo_is_not_work_done_before(
    studio: StudioServer, folder: Path
) -> None:
    (folder / "roll").mkdir()
    write_photos(folder, "roll/a.png")
    body = {"op": "enhance", "inputs": ["roll"], "options": {"scale": 2, "tier": "live"}}
    job = studio.client.wait(studio.client.submit("/api/jobs", body)["id"])
    assert (job["state"], job["output"], job["unit"]) == ("done", "roll-enhance", "photos")
    assert (folder / "roll-enhance/a.png").is_file()
    again = {**body, "output": "other"}
    assert studio.client.submit("/api/jobs", again)["made_before"] == {"path": "roll-enhance"}
    write_photos(folder, "roll/b.png")
    assert studio.client.submit("/api/jobs", again)["id"]


def test_two_jobs_cannot_write_one_output(studio: StudioServer) -> None:
    first = studio.client.start("crawl", "in.mkv", pause=0.3, output="one.mkv")
    body = {"op": "crawl", "inputs": ["in.mkv"], "output": "one.mkv", "again": True}
    answer = studio.client.post("/api/jobs", body)
    assert answer.status == 422
    assert "Another job, which has not ended, writes one.mkv." in answer.json["error"]
    studio.client.submit(f"/api/jobs/{first}/cancel")
    studio.client.wait(first)


def test_work_that_was_done_before_is_offered(studio: StudioServer, folder: Path) -> None:
    body = {"op": "crawl", "inputs": ["in.mkv"], "options": {"pause": 0.001}, "output": "w.mkv"}
    studio.client.wait(studio.client.submit("/api/jobs", body)["id"])
    again = {**body, "output": None}
    again["options"] = {"pause": "0.001", "codec": None}  # the same values, written differently
    assert studio.client.submit("/api/jobs", {**again, "output": "other.mkv"}) == {
        "id": None,
        "output": "w.mkv",
        "made_before": {"path": "w.mkv"},
    }
    assert studio.client.submit("/api/jobs", {**again, "output": "o.mkv", "again": True})["id"]
    different = {**again, "output": "x.mkv", "options": {"pause": 0.002}}
    assert studio.client.submit("/api/jobs", different)["id"]
    times = (folder / "in.mkv").stat().st_atime_ns, (folder / "in.mkv").stat().st_mtime_ns
    os.utime(folder / "in.mkv", ns=(times[0], times[1] + 1))  # the input may have changed
    assert studio.client.submit("/api/jobs", {**again, "output": "y.mkv"})["id"]
    os.utime(folder / "in.mkv", ns=times)
    assert studio.client.submit("/api/jobs", {**again, "output": "z.mkv"})["made_before"]
    shutil.copy(folder / "in.mkv", folder / "w.mkv")  # the outputs have changed
    for name in ("w.mkv", "o.mkv", "y.mkv"):
        (folder / name).unlink(missing_ok=True)
    assert studio.client.submit("/api/jobs", {**again, "output": "z.mkv"})["id"]


def test_code_runs_only_when_its_content_was_confirmed(studio: StudioServer, folder: Path) -> None:
    digest = hashlib.sha256((folder / "flow.py").read_bytes()).hexdigest()
    body = {"op": "pipeline.run", "inputs": ["flow.py"]}
    answer = studio.client.post("/api/jobs", body)
    assert (answer.status, answer.json["path"]) == (409, "flow.py")
    assert answer.json["sha256"] == digest
    answer = studio.client.post("/api/jobs", {**body, "confirmed": "0" * 64})
    assert answer.status == 409
    studio.client.wait(studio.client.submit("/api/jobs", {**body, "confirmed": digest})["id"])
    studio.client.wait(studio.client.submit("/api/jobs", body)["id"])  # confirmed once per content
    (folder / "flow.py").write_text("import os\n")
    answer = studio.client.post("/api/jobs", body)
    assert answer.status == 409
    assert answer.json["sha256"] != digest


def test_jobs_are_listed_by_pages_and_removed(studio: StudioServer) -> None:
    ids = [studio.client.start("crawl", "in.mkv", pause=0, again=True) for _ in range(3)]
    for id_ in ids:
        studio.client.wait(id_)
    first = studio.client.read("/api/jobs?limit=2")
    assert [job["id"] for job in first["jobs"]] == [ids[2], ids[1]]
    second = studio.client.read(f"/api/jobs?limit=2&after={first['next']}")
    assert second["jobs"][0]["id"] == ids[0]
    assert studio.client.request("DELETE", f"/api/jobs/{ids[1]}", {}).json == {}
    assert studio.client.request("GET", f"/api/jobs/{ids[1]}").status == 404
    assert studio.client.request("DELETE", f"/api/jobs/{ids[1]}", {}).status == 404
    assert studio.client.read("/api/jobs")["total"] == first["total"] - 1
    assert studio.client.request("GET", "/api/jobs?limit=x").status == 422
    assert studio.client.request("GET", "/api/jobs?after=none").status == 404


def test_running_job_is_on_the_first_page_and_cannot_be_removed(studio: StudioServer) -> None:
    running = studio.client.start("crawl", "in.mkv", pause=0.5)
    waiting = [studio.client.start("crawl", "in.mkv", pause=0, again=True) for _ in range(2)]
    page = studio.client.read("/api/jobs?limit=1")
    assert [job["id"] for job in page["jobs"]] == [running, waiting[1]]
    active = studio.client.read("/api/jobs?state=active")["jobs"]
    assert {job["id"] for job in active} == {running, *waiting}
    assert studio.client.request("DELETE", f"/api/jobs/{running}", {}).status == 409
    assert studio.client.post(f"/api/jobs/{running}/dance").status == 404
    assert studio.client.post(f"/api/jobs/{waiting[0]}/pause").status == 409
    assert studio.client.post(f"/api/jobs/{waiting[0]}/resume").status == 409
    for id_ in (*waiting, running):
        studio.client.submit(f"/api/jobs/{id_}/cancel")
    assert studio.client.wait(running)["state"] == "cancelled"


def test_server_loads_no_numerical_library(studio: StudioServer) -> None:
    studio.client.wait(studio.client.start("crawl", "in.mkv", pause=0, again=True))
    maps = Path(f"/proc/{studio.pid}/maps").read_text()
    assert "python" in maps
    for library in ("numpy", "libav", "cv2", "onnxruntime", "torch", "/PIL/"):
        assert library not in maps
