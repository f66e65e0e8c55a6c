"""`--memory` bounds the whole job; a lower limit ends it early and states the least that works."""

import json
import re
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.media.make import make

import kinoloom
from kinoloom.base import registry
from kinoloom.errors import BudgetError
from kinoloom.film.engine import PictureFormat
from kinoloom.film.selection import build_engine_options, list_engines
from kinoloom.jobs.job import Job
from kinoloom.jobs.run import run_job
from kinoloom.media.memory import estimate_encoding
from kinoloom.media.video.codecs import CODECS

MEASURE = """
import json, sys
from pathlib import Path
import av, cv2, numpy, PIL.Image
import kinoloom.film.engines.fast, kinoloom.film.photos.interpolation
import kinoloom.film.video.interpolation, kinoloom.media.video.writing
from kinoloom.base import registry
from kinoloom.base.machine import peak_memory_bytes
from kinoloom.errors import BudgetError
from kinoloom.jobs.job import Job
from kinoloom.jobs.run import run_job

inputs, output, options = json.loads(sys.argv[1])
job = Job(registry.load("ops", "interpolate"), tuple(map(Path, inputs)), Path(output), options)
before, error = peak_memory_bytes(), ""
try:
    run_job(job)
except BudgetError as raised:
    error = str(raised)
print(json.dumps([peak_memory_bytes() - before, error]))
"""


def interpolate(inputs: list[Path], output: Path, **options: Any) -> Any:
    """Run the job in this process."""
    op = registry.load("ops", "interpolate")
    return run_job(Job(op, tuple(inputs), output, options, write_options={"overwrite": True}))


def measure(inputs: list[Path], output: Path, **options: Any) -> tuple[int, str]:
    """Run the job in a process of its own; return its peak beyond the libraries, and its error."""
    job = json.dumps([[str(path) for path in inputs], str(output), options])
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, job], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    peak, error = json.loads(done.stdout)
    return peak, error


def find_least(error: BudgetError | str) -> int:
    """Return the limit that an error states as sufficient, in bytes."""
    [least] = re.findall(r"--memory (\d+)MB", str(error))
    return int(least) * 1_000_000


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A film of 16 frames."""
    return make(tmp_path_factory.mktemp("film") / "in.mp4", frames=16, size=(256, 192))


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two photos of one texture."""
    folder = tmp_path_factory.mktemp("photos")
    texture = np.random.default_rng(0).integers(0, 256, (24, 32, 3)).astype(np.uint8)
    for number in range(2):
        shifted = Image.fromarray(np.roll(texture, number, 1)).resize((512, 384))
        shifted.save(folder / f"{number}.jpg", quality=95)
    return sorted(folder.iterdir())


@pytest.mark.parametrize("case", ["video", "lossless", "photos"])
def test_the_stated_limit_is_sufficient_and_kept(
    case: str, film: Path, photos: list[Path], tmp_path: Path
) -> None:
    inputs, name, engine = {
        "video": ([film], "out.mp4", "fast"),
        "lossless": ([film], "frames", "fast"),
        "photos": (photos, "out.mp4", "fast"),
    }[case]
    options = {"engine": engine} | ({"seconds": "1"} if case == "photos" else {})
    output = tmp_path / name
    with pytest.raises(BudgetError, match=r"memory limit of 1\.00 MB is too low") as caught:
        interpolate(inputs, output, memory="1MB", **options)
    assert not output.exists()
    least = find_least(caught.value)
    with pytest.raises(BudgetError):
        interpolate(inputs, output, memory=str(least - 1_000_000), **options)
    peak, error = measure(inputs, output, memory=str(least), **options)
    assert error == ""
    assert output.exists()
    assert peak <= least


def make_canvas(path: Path, side: int) -> Path:
    """A GIF of two frames of one pixel, on a canvas of any size."""
    frame = b"\x21\xf9\4\4\1\0\0\0\x2c\0\0\0\0\1\0\1\0\0\2\2\x44\1\0"
    palette = b"\x80\0\0\0\0\0\xff\xff\xff"
    path.write_bytes(b"GIF89a" + struct.pack("<HH", side, side) + palette + frame * 2 + b"\x3b")
    return path


def test_a_small_file_of_large_pictures_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    bomb = make_canvas(tmp_path / "bomb.gif", 8000)
    peak, error = measure([bomb], tmp_path / "out.mp4", memory="20MB")
    assert find_least(error) > 1_000_000_000
    assert peak < 20_000_000


def test_auto_uses_an_engine_that_fits_and_says_so(film: Path, tmp_path: Path) -> None:
    with pytest.raises(BudgetError) as caught:
        interpolate([film], tmp_path / "out.mp4", memory="1MB")
    least = find_least(caught.value)
    outcome = interpolate([film], tmp_path / "out.mp4", memory=str(least))
    assert outcome.result.made_with["engine"] == "fast"
    [note] = [note for note in outcome.result.notes if note.kind == "memory"]
    assert "too low for the engine deep; fast is used" in note.message
    enough = find_least(note.message)
    clip = kinoloom.interpolate(film, memory=4 * enough)
    assert clip.made_with["engine"] == "deep"


def test_functions_keep_the_limit_too(film: Path, tmp_path: Path) -> None:
    with pytest.raises(BudgetError):
        kinoloom.interpolate(film, memory="10MB", engine="fast")
    clip = kinoloom.interpolate(film, memory="160MB", engine="fast")
    with pytest.raises(BudgetError, match="to write gif"):
        kinoloom.write(clip, tmp_path / "out.gif")


def test_out_of_memory_states_what_the_job_needs(film: Path, tmp_path: Path) -> None:
    def run_out(*_: object) -> Any:
        raise MemoryError

    op = registry.load("ops", "interpolate")
    from dataclasses import replace

    late = replace(
        op, function=lambda clip, options: op.function(clip, options).with_(read=run_out)
    )
    with pytest.raises(BudgetError, match=r"needs at least \d+ MB \(.*to read .* are free"):
        run_job(Job(late, (film,), tmp_path / "out.mp4", {"engine": "fast"}))


@pytest.mark.parametrize("name", [*CODECS, "png"])
def test_every_codec_has_a_figure(name: str) -> None:
    small, large = (estimate_encoding(name, 64 * k, 48 * k, frames=10) for k in (1, 10))
    assert 0 < small < large
    assert estimate_encoding(name, 64, 48, 10, 10) > small


def test_every_engine_needs_more_for_larger_pictures() -> None:
    options = build_engine_options(None)
    for engine in list_engines():
        if engine.missing(options):
            continue
        small, large = (
            engine.least_bytes(PictureFormat(240 * k, 320 * k, 3, 1), options) for k in (1, 8)
        )
        assert 0 < small < large, engine.name


@pytest.mark.parametrize("name", ["fast", "deep", "best"])
@pytest.mark.parametrize("size", [(48, 64), (720, 1280), (33, 2000)])
def test_the_least_memory_of_an_engine_gives_a_grid(name: str, size: tuple[int, int]) -> None:
    engine = registry.load("interpolators", name)
    picture = np.zeros((*size, 4), np.float32)
    least = engine.least_bytes(PictureFormat(*size, 4, 4), build_engine_options(1))

    def choose_grid(memory: int) -> tuple[int, int]:
        built = engine.build(build_engine_options(memory))
        fast = built if name == "fast" else built._estimator.fast
        return fast.choose_grid(picture)

    rows, columns = choose_grid(least)
    assert rows * columns > 0
    with pytest.raises(BudgetError):
        choose_grid(least - 1_000_000)
