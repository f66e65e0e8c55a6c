"""Jobs in a process of their own: events, signals, confirmed files, a full disk."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinoloom import Clip, Frame, read, write
from kinoloom.base.provenance import sha256
from kinoloom.errors import RegistryError, UsageError
from kinoloom.jobs.events import EventWriter, RateMeter
from kinoloom.jobs.process import BELL, read_start_time
from kinoloom.jobs.request import JobRequest


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of a job that interpolates a film."""
    frames = [
        Frame(np.full((32, 48, 3), 3 * k, np.uint8), Fraction(k, 25), Fraction(1, 25))
        for k in range(40)
    ]
    write(Clip.from_frames(frames, rate=Fraction(25)), tmp_path / "in.mkv", codec="ffv1")
    folder = tmp_path / "jobs" / "a1"
    folder.mkdir(parents=True)
    request = JobRequest(
        "interpolate",
        (str(tmp_path / "in.mkv"),),
        str(tmp_path / "out.mkv"),
        {"slow": 2, "engine": "fast", "codec": "ffv1"},
    )
    (folder / "job.json").write_text(json.dumps(request.to_dict()))
    return folder


def start(folder: Path, **more: Any) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "kinoloom.jobs.process", str(folder)]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, **more)


def read_events(folder: Path) -> list[dict[str, Any]]:
    file = folder / "events.jsonl"
    lines = file.read_text().splitlines() if file.exists() else []
    return [json.loads(line) for line in lines if line]


def wait_for(folder: Path, event: str) -> dict[str, Any]:
    end = time.monotonic() + 120
    while time.monotonic() < end:
        for one in read_events(folder):
            if one["event"] == event:
                return one
        time.sleep(0.02)
    raise AssertionError(f"no event '{event}': {read_events(folder)}")


def test_process_reports_start_progress_and_end(folder: Path) -> None:
    os.mkfifo(folder.parent / BELL)
    bell = os.open(folder.parent / BELL, os.O_RDONLY | os.O_NONBLOCK)
    try:
        process = start(folder)
        _, log = process.communicate(timeout=240)
        assert process.returncode == 0, log
        assert os.read(bell, 1000)  # who listens knows at once
    finally:
        os.close(bell)
    first, *_, last = read_events(folder)
    assert first["event"] == "start"
    assert first["pid"] == process.pid
    assert last["event"] == "end"
    assert last["state"] == "done"
    assert last["facts"][0] == "80 frames"
    assert len(last["key"]) == 64
    progress = [one for one in read_events(folder) if one["event"] == "progress"]
    assert progress[-1]["done"] == progress[-1]["total"] == 80
    assert "out.mkv: 80 frames" in log
    assert len(list(read(folder.parents[1] / "out.mkv"))) == 80
    assert sorted(path.name for path in folder.iterdir()) == ["events.jsonl", "job.json"]


def test_interrupt_ends_a_process_that_was_started_to_ignore_it(folder: Path) -> None:
    def ignore() -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # as a shell does in the background

    process = start(folder, preexec_fn=ignore)
    wait_for(folder, "progress")
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=120)
    assert process.returncode == 130
    assert read_events(folder)[-1]["state"] == "cancelled"
    assert not (folder.parents[1] / "out.mkv").exists()


def test_error_of_the_work_has_its_hint(folder: Path) -> None:
    (folder.parents[1] / "out.mkv").write_bytes(b"mine")
    process = start(folder)
    _, log = process.communicate(timeout=120)
    end = read_events(folder)[-1]
    assert process.returncode == 2
    assert (end["state"], end["error"]) == (
        "failed",
        f"{folder.parents[1] / 'out.mkv'} already exists.",
    )
    assert end["hint"].startswith("Choose another name")
    assert "already exists" in log
    assert (folder.parents[1] / "out.mkv").read_bytes() == b"mine"


def test_code_that_changed_after_it_was_confirmed_does_not_run(folder: Path) -> None:
    code = folder.parents[1] / "pipeline.py"
    code.write_text("raise SystemExit")
    request = json.loads((folder / "job.json").read_text())
    request["confirmed"] = {str(code): sha256(code)}
    (folder / "job.json").write_text(json.dumps(request))
    code.write_text("import os")
    start(folder).communicate(timeout=120)
    end = read_events(folder)[-1]
    assert end["state"] == "failed"
    assert "was changed after it was confirmed" in end["error"]


def test_request_is_the_same_after_json() -> None:
    request = JobRequest("interpolate", ("/a.png",), "/b.mp4", {"fps": "60"}, None, {"/x": "1"})
    assert JobRequest.from_dict(json.loads(json.dumps(request.to_dict()))) == request


def test_request_separates_the_options_of_op_reading_and_writing() -> None:
    options = {"fps": "60", "order": "time", "quality": 80, "session": None}
    job = JobRequest("interpolate", ("/a.png",), "/b.mp4", options).build_job()
    assert job.options == {"fps": 60}
    assert job.read_options == {"order": "time"}
    assert job.write_options == {"quality": 80}
    assert job.distributed_options == {}


@pytest.mark.parametrize(
    ("op", "options", "error", "message"),
    [
        ("interpolat", {}, RegistryError, "Unknown op 'interpolat'"),
        ("interpolate", {"fsp": 1}, UsageError, "Unknown option 'fsp'. Did you mean fps?"),
        ("interpolate", {"xyzzy": 1}, UsageError, "Options: "),
        ("interpolate", {"quality": 101}, UsageError, "--quality must be from 0 to 100"),
    ],
)
def test_wrong_request_is_refused(
    op: str, options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        JobRequest(op, options=options).build_job()


def test_half_a_line_of_a_killed_process_damages_no_other(tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    file.write_text('{"event":"note"}\n{"event":"pro')
    with EventWriter(file, tmp_path / "bell") as events:
        events.add("end", state="done")
    assert file.read_text().splitlines()[2:] == ['{"event":"end","state":"done"}']


def test_only_the_newest_progress_is_written(tmp_path: Path) -> None:
    with EventWriter(tmp_path / "events.jsonl", tmp_path / "bell") as events:
        for done in range(10_000):
            events.progress(done, 10_000)
        events.add("end", state="done")
    found = read_events(tmp_path)
    assert [one["event"] for one in found[-2:]] == ["progress", "end"]
    assert found[-2]["done"] == 9_999
    assert len(found) < 100


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a tmpfs requires root")
def test_full_disk_still_takes_the_end(disk: Path) -> None:
    with EventWriter(disk / "events.jsonl", disk / "bell") as events:
        with pytest.raises(OSError, match="No space left"), (disk / "fill").open("wb") as fill:
            while True:
                fill.write(bytes(4096))
        events.add("end", state="failed", error="the disk is full")
    assert read_events(disk)[-1]["error"] == "the disk is full"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 128 KiB."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", str(place)]
    if subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("a tmpfs cannot be mounted here")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_start_time_identifies_a_process() -> None:
    own = read_start_time(os.getpid())
    assert own.isdigit()
    assert read_start_time(2**22 + 1) == ""
    child = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert read_start_time(child.pid) == ""  # it has ended, and is not reaped yet
    child.wait()


@given(st.lists(st.tuples(st.floats(0.01, 5), st.integers(0, 50)), min_size=2, max_size=60))
def test_rate_is_never_above_the_fastest_step(steps: list[tuple[float, int]]) -> None:
    meter, time_s, done = RateMeter(), 0.0, 0
    fastest = 0.0
    meter.add(time_s, done)
    for seconds, items in steps:
        time_s, done = time_s + seconds, done + items
        fastest = max(fastest, items / seconds)
        rate = meter.add(time_s, done)
        assert rate is not None
        assert 0 <= rate <= fastest * (1 + 1e-6) + 1e-9


def test_rate_forgets_a_pause_and_counts_from_the_start_again() -> None:
    meter = RateMeter()
    meter.add(0, 0)
    assert meter.add(1, 10) == 10
    meter.reset()
    assert meter.add(3600, 11) is None
    assert meter.add(3601, 21) == 10
    assert meter.add(3602, 0) is None
