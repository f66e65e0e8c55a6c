"""The command line of a job: what a person pastes does the same work."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from kinoloom import read
from kinoloom.jobs.command_line import build_command_line
from kinoloom.jobs.request import JobRequest
from kinoloom.jobs.run import run_job

NAMES = ("-first $(id).png", 'it\'s "second" é.png')


def write_photo(path: Path, shift: int) -> Path:
    ramp = np.add.outer(np.arange(32), np.arange(48)).astype(np.uint8)
    Image.fromarray(np.stack([np.roll(ramp, shift, 1)] * 3, axis=2)).save(path)
    return path


@pytest.fixture
def films(tmp_path: Path) -> Path:
    """A folder with photos that have awkward names."""
    folder = tmp_path / "my films; rm -r x"
    folder.mkdir()
    for shift, name in enumerate(NAMES):
        write_photo(folder / name, 3 * shift)
    return folder


def test_pasted_command_makes_the_same_film(films: Path, tmp_path: Path) -> None:
    options = {"fps": "24000/1001", "engine": "fast", "codec": "ffv1", "loop": True}
    inputs = tuple(str(films / name) for name in NAMES)
    job = JobRequest("interpolate", inputs, str(films / "-out.mkv"), options).build_job()
    command = build_command_line(job, films)
    run_job(job)
    expected = [np.asarray(frame.image) for frame in read(films / "-out.mkv")]
    (films / "-out.mkv").unlink()
    tools = tmp_path / "tools"
    tools.mkdir()
    script = f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m kinoloom "$@"\n'
    (tools / "kinoloom").write_text(script)
    (tools / "kinoloom").chmod(0o755)
    env = {**os.environ, "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}"}
    subprocess.run(["sh", "-c", command], check=True, env=env, cwd=tmp_path)
    clip = read(films / "-out.mkv")
    assert clip.rate == Fraction(24000, 1001)
    for one, frame in zip(expected, clip, strict=True):
        assert np.array_equal(one, frame.image)


def test_command_has_only_what_differs_from_the_defaults(films: Path) -> None:
    options = {"fps": None, "codec": "auto", "overwrite": True, "resume": False, "quality": 80}
    inputs = (str(films / NAMES[0]), str(films.parent / "b.png"))
    request = JobRequest(
        "interpolate", inputs, str(films / "o.mp4"), options, str(films / "o.html")
    )
    words = shlex.split(build_command_line(request.build_job(), films))
    assert words == [
        *("cd", str(films), "&&", "kinoloom", "interpolate", f"./{NAMES[0]}"),
        *(str(films.parent / "b.png"), "-o", "o.mp4", "--quality", "80", "--overwrite"),
        *("--report", "o.html"),
    ]


def test_value_that_looks_like_an_option_stays_a_value(films: Path) -> None:
    (films / "p.json").write_text("{}")
    request = JobRequest("pipeline.run", (str(films / "p.json"),), None, {"set": "-a=1"})
    words = shlex.split(build_command_line(request.build_job(), films))
    assert words[3:] == ["kinoloom", "pipeline", "run", "p.json", "--set=-a=1"]
