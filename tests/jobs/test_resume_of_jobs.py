"""Jobs that are resumed when they are complete already."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kinoloom import Clip, Frame, write
from kinoloom.base import registry
from kinoloom.errors import OutputExistsError
from kinoloom.jobs import distributed
from kinoloom.jobs.job import Job
from kinoloom.jobs.run import run_job

RATE = Fraction(10)


@pytest.fixture
def job(tmp_path: Path) -> Job:
    """An interpolation with a report."""
    frames = [Frame(np.full((32, 48, 3), 9 * k, np.uint8), k / RATE, 1 / RATE) for k in range(9)]
    write(Clip.from_frames(frames, rate=RATE), tmp_path / "in.mkv", codec="ffv1")
    op = registry.load("ops", "interpolate")
    options = {"fps": "20", "engine": "fast"}
    output, report = tmp_path / "out.mkv", tmp_path / "page.html"
    return Job(op, (tmp_path / "in.mkv",), output, options, {}, {"resume": True}, report=report)


def identify_files(folder: Path) -> dict[Path, tuple[int, int]]:
    return {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in folder.iterdir()}


def test_complete_film_and_report_are_kept(job: Job, tmp_path: Path) -> None:
    first = run_job(job)
    before = identify_files(tmp_path)
    again = run_job(job)
    assert again.is_complete
    assert identify_files(tmp_path) == before
    assert first.written is not None
    assert again.written is not None
    assert again.written.data | {"seconds": 0} == {**first.written.data, "seconds": 0}


def test_missing_report_is_written(job: Job) -> None:
    run_job(job)
    assert job.report is not None
    job.report.unlink()
    run_job(job)
    assert "out.mkv" in str(job.output)
    assert job.report.is_file()


def test_another_report_is_not_taken_for_this_one(job: Job) -> None:
    assert job.report is not None
    job.report.write_text("a page of the user")
    with pytest.raises(OutputExistsError, match=r"page\.html already exists"):
        run_job(job)
    assert job.output is not None
    assert not job.output.exists()


def test_complete_film_needs_no_session(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    run_job(job)

    def refuse(*arguments: Any) -> None:
        raise AssertionError("a pipeline was started")

    monkeypatch.setattr(distributed, "_run_pieces", refuse)
    settings = {"session": "local", "piece": "1"}
    again = run_job(
        Job(job.op, job.inputs, job.output, job.options, {}, {"resume": True}, settings)
    )
    assert again.written is not None
    assert again.written.data["frames"] == 18
    assert not (job.inputs[0].parent / ".out.mkv.parts").exists()
