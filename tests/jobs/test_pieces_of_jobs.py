"""Pieces of a job's output: the program that writes one, and a job that is cancelled."""

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kinoloom import Clip, Frame, read, write
from kinoloom.base import registry
from kinoloom.base.files import files_of
from kinoloom.jobs import write_piece
from kinoloom.jobs.job import Job
from kinoloom.jobs.run import run_job
from kinoloom.media.write_options import WriteOptions

RATE = Fraction(10)


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """Twenty-five seconds, brighter from frame to frame in each four of them."""
    images = (np.full((32, 48, 3), 40 + 5 * (k % 40), np.uint8) for k in range(250))
    frames = [Frame(image, k / RATE, 1 / RATE) for k, image in enumerate(images)]
    write(Clip.from_frames(frames, rate=RATE), tmp_path / "in.mkv", codec="ffv1")
    return tmp_path / "in.mkv"


def interpolation(film: Path, output: Path, **distributed: Any) -> Job:
    op = registry.load("ops", "interpolate")
    options = {"fps": "20", "engine": "fast"}
    return Job(op, (film,), output, options, distributed_options=distributed)


def brightness(path: Path) -> list[float]:
    return [float(frame.image.mean()) for frame in read(path)]


def test_pieces_written_one_by_one_join_to_the_whole(
    film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_job(interpolation(film, tmp_path / "whole.mkv"))
    root = tmp_path / "ml"
    (root / "processing" / "input" / "0").mkdir(parents=True)
    (root / "processing" / "input" / "0" / "in.mkv").hardlink_to(film)
    monkeypatch.setenv("KINOLOOM_ML_ROOT", str(root))
    op = registry.load("ops", "interpolate")
    clip = op(read(film), fps="20", engine="fast")
    files: Any = files_of(Clip)
    with files.growing(clip, tmp_path / "joined.mkv", WriteOptions(), Fraction(1)) as growing:
        assert len(growing.pieces) > 1
        for number, piece in enumerate(growing.pieces):
            request = {
                "op": "interpolate",
                "inputs": ["in.mkv"],
                "read": {},
                "options": {"fps": "20", "engine": "fast"},
                "files": {},
                "piece": piece,
            }
            monkeypatch.setattr("sys.argv", ["write_piece", json.dumps(request)])
            folder = root / "processing" / "piece"
            folder.mkdir()
            write_piece.main()
            growing.add(folder.rename(tmp_path / f"piece-{number}"))
        growing.finish()
    assert brightness(tmp_path / "joined.mkv") == brightness(tmp_path / "whole.mkv")


def test_a_cancelled_job_stops_its_session_and_resumes(film: Path, tmp_path: Path) -> None:
    class CancelledError(Exception):
        """Raised by the progress callback."""

    def cancel(done: int, total: int | None) -> None:
        raise CancelledError

    output = tmp_path / "out.mkv"
    job = interpolation(film, output, session="local", piece="1")
    with pytest.raises(CancelledError):
        run_job(job, cancel)
    assert not output.exists()
    run_job(replace(job, write_options={"resume": True}))
    run_job(interpolation(film, tmp_path / "whole.mkv"))
    assert brightness(output) == brightness(tmp_path / "whole.mkv")
