"""Kill jobs at random moments, resume them, and compare with jobs that were never killed.

Used by `benchmarks.trials`. A job is a film of a video, a film of photos, a training or a pipeline.
It is killed (SIGKILL) once, after a random part of its usual duration, and resumed until it
succeeds. Its result must be identical, its inputs unchanged, and no other file left next to its
output.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import ROOT

TESTS = ROOT / "tests"
_LONGEST_S = 600
_STEP = (
    "import os, time; ml = os.environ['KINOLOOM_ML_ROOT'] + '/processing/'; time.sleep(0.1); "
    "old = open(ml + 'in/f').read() if os.path.exists(ml + 'in/f') else ''; "
    "open(ml + 'out/out/f', 'w').write(old + 'one line\\n' * 1000)"
)


@dataclass(frozen=True)
class Job:
    """A job that can be killed and resumed.

    Attributes:
        name: of its kind.
        prepare: writes the inputs into an empty folder.
        start: the command line in that folder.
        resume: the command line after a kill.
        digest: identifies the result; "" if there is none.
    """

    name: str
    prepare: Callable[[Path], None]
    start: Callable[[Path], list[str]]
    resume: Callable[[Path], list[str]]
    digest: Callable[[Path], str]


def run_kills(count: int, seed: int, folder: Path) -> list[dict[str, Any]]:
    """Kill each kind of job `count` times; return one row for each kind."""
    return [_kill(job, count, seed, folder / job.name) for job in JOBS]


def _kill(job: Job, count: int, seed: int, folder: Path) -> dict[str, Any]:
    """Kill a job at random moments until it was killed `count` times."""
    drawn = random.Random(f"{seed}:{job.name}")
    longest_s, expected = _run_whole(job, folder / "whole")
    kills = lost = wrong = 0
    for number in itertools.count():
        if kills == count:
            break
        begun = time.monotonic()
        place, after_s = folder / str(number), drawn.random() * longest_s
        killed, digest, complete = _run_killed(job, place, expected, after_s)
        if not killed:  # it was faster than all before
            longest_s = min(longest_s, time.monotonic() - begun)
        kills += killed
        wrong += digest != expected
        lost += not complete
    return {"job": job.name, "kills": kills, "other results": wrong, "files lost": lost}


def _run_whole(job: Job, place: Path) -> tuple[float, str]:
    place.mkdir(parents=True)
    job.prepare(place)
    begun = time.monotonic()
    _run(job.start(place), place)
    return time.monotonic() - begun, job.digest(place)


def _run_killed(job: Job, place: Path, expected: str, after_s: float) -> tuple[bool, str, bool]:
    """Return whether the job was killed before its end, its digest, and whether files are right."""
    place.mkdir(parents=True)
    job.prepare(place)
    (place / "notes.txt").write_text("a file of the user")
    inputs = _digest_files(place)
    with subprocess.Popen(
        job.start(place), cwd=place, env=_environment(), stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:  # fmt: skip
        try:
            process.wait(after_s)
        except subprocess.TimeoutExpired:
            process.kill()
    killed = process.returncode < 0
    if killed and job.digest(place) != expected:  # else it was killed after its last step
        _run(job.resume(place), place)
    after = _digest_files(place)
    complete = all(after.get(name) == digest for name, digest in inputs.items())
    clean = not [name for name in after if ".part" in name]
    return killed, job.digest(place), complete and clean


def _run(line: list[str], place: Path) -> None:
    done = subprocess.run(
        line, cwd=place, env=_environment(), capture_output=True, text=True, timeout=_LONGEST_S
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(line)}: {done.stderr[-2000:]}")


def _environment() -> dict[str, str]:
    paths = os.pathsep.join([str(ROOT / "src"), str(TESTS / "learn")])
    return os.environ | {"PYTHONPATH": paths, "OMP_NUM_THREADS": "1"}


def _kinoloom(*words: object) -> list[str]:
    return [sys.executable, "-m", "kinoloom", *map(str, words)]


def _digest_files(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.is_symlink()
    }


def _digest(parts: Iterable[bytes]) -> str:
    return hashlib.sha256(b"".join(parts)).hexdigest()


def _film(place: Path) -> str:
    """Digest times and pictures of a film, and its sound."""
    import kinoloom

    if not (place / "film.mkv").exists():
        return ""
    clip = kinoloom.read(place / "film.mkv")
    pictures = (str(frame.time).encode() + frame.image.tobytes() for frame in clip)
    sound = (block.tobytes() for track in clip.audio for block in track.read())
    return _digest((*pictures, *sound))


def _make_video(place: Path) -> None:
    from make import Sound, make

    make(place / "in.mkv", frames=100, size=(96, 64), codec="mpeg4", sounds=(Sound(),))


def _make_photos(place: Path) -> None:
    from PIL import Image

    scene = np.random.default_rng(0).integers(0, 255, (12, 16, 3), np.uint8)
    whole = Image.fromarray(scene).resize((400, 300), Image.Resampling.BICUBIC)
    for number in range(3):
        whole.crop((8 * number, 0, 240 + 8 * number, 180)).save(place / f"{number}.png")


def _make_pipeline(place: Path) -> None:
    from definition_samples import definition, get, processing

    def step(name: str, before: str = "") -> dict[str, Any]:
        uri = f"Steps.{before}.ProcessingOutputConfig.Outputs['out'].S3Output.S3Uri"
        inputs = {"in": get(uri)} if before else None
        entrypoint = ["python3", "-S", "-c", _STEP]
        return processing(name, entrypoint=entrypoint, inputs=inputs, outputs=("out",))

    steps = definition(step("A"), step("B", "A"), step("C", "B"))
    (place / "pipeline.json").write_text(json.dumps(steps))


def _resume_pipeline(place: Path) -> list[str]:
    """Resume the execution; one that was killed before it existed starts again."""
    listed = subprocess.run(
        _kinoloom("pipeline", "status", "--root", place / "root", "--json"),
        capture_output=True, text=True, env=_environment(), cwd=place,
    )  # fmt: skip
    exists = listed.returncode == 0 and json.loads(listed.stdout).get("executions")
    return _kinoloom("pipeline", "resume", "--root", "root") if exists else _start_pipeline(place)


def _start_pipeline(place: Path) -> list[str]:
    return _kinoloom("pipeline", "run", "pipeline.json", "--root", "root")


def _outputs(place: Path) -> str:
    files = (place / "root" / "s3").rglob("f")
    return _digest(path.parent.name.encode() + path.read_bytes() for path in sorted(files))


_VIDEO = ("interpolate", "in.mkv", "-o", "film.mkv", "--fps", "60", "--engine", "fast")
_PHOTOS = ("interpolate", "0.png", "1.png", "2.png", "-o", "film.mkv", "--seconds", "3")
_TRAINING = [sys.executable, str(TESTS / "learn" / "toy.py"), "run", '{"steps": 200}']

JOBS = (
    Job(
        "film of a video",
        _make_video,
        lambda place: _kinoloom(*_VIDEO),
        lambda place: _kinoloom(*_VIDEO, "--resume"),
        _film,
    ),
    Job(
        "film of photos",
        _make_photos,
        lambda place: _kinoloom(*_PHOTOS),
        lambda place: _kinoloom(*_PHOTOS, "--resume"),
        _film,
    ),
    Job(
        "training",
        lambda place: None,
        lambda place: _TRAINING,
        lambda place: _TRAINING,
        lambda place: _digest([_weights(place / "run" / "last.safetensors")]),
    ),
    Job("pipeline", _make_pipeline, _start_pipeline, _resume_pipeline, _outputs),
)


def _weights(path: Path) -> bytes:
    """Return the tensors of a file, without the record of its elapsed time."""
    from kinoloom.learn.checkpointing.weights import read_weights

    if not path.exists():
        return b""
    tensors, _ = read_weights(path)
    return b"".join(name.encode() + tensors[name].numpy().tobytes() for name in sorted(tensors))
