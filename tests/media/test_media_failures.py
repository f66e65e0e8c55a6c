"""Jobs that write media, with a failure at each write, flush, rename, creation and allocation."""

import resource
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from films import film

from fault_injection import FAMILIES, Work, check_all_failures
from kinoloom import Clip, Frame, Report
from kinoloom.base import op
from kinoloom.base.files import Nothing
from kinoloom.base.report import Text
from kinoloom.errors import OutputError
from kinoloom.jobs.job import Job
from kinoloom.jobs.run import run_job
from kinoloom.media.files import write
from kinoloom.media.video import segments


@dataclass(frozen=True)
class NoOptions:
    """No options."""


@op("draw", page="test_media_failures:describe")
def draw(nothing: Nothing, options: NoOptions) -> Clip:
    """Draw four frames, each of which needs memory."""
    frames = film(4, Fraction(1), size=(32, 24))

    def read(start: Fraction) -> Iterator[Frame]:
        for frame in frames.read(start):
            yield Frame(np.stack(list(frame.image)), frame.time, frame.duration)

    return frames.with_(read=read)


def describe(nothing: Nothing, result: Clip, options: NoOptions) -> Report:
    """Build the page of `draw`."""
    return Report("Frames", (Text("four"),))


def draw_to(name: str) -> Work:
    """Return the work of drawing to a file or folder."""

    def run(folder: Path) -> None:
        options = {"overwrite": True}
        run_job(Job(draw, (), folder / name, {}, {}, options, report=folder / "page.html"))

    def read(folder: Path) -> dict[str, bytes]:
        path = folder / name
        files = sorted(path.iterdir()) if path.is_dir() else [path] * path.exists()
        return {file.name: file.read_bytes() for file in files}

    partial = f"{Path(name).stem}.partial{Path(name).suffix}"
    return Work(run, read, (f".{name}.parts", partial, "page.html", f"{name}.provenance.json"))


@pytest.mark.parametrize(
    ("name", "family"),
    [
        *(("out.mp4", family) for family in FAMILIES),
        *(("frames", family) for family in ("write", "rename", "create")),
        ("out.png", "write"),
    ],
)
def test_failed_job_leaves_earlier_outputs_and_can_be_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, family: str
) -> None:
    monkeypatch.setattr(segments, "MAX_FRAMES", 2)  # several segments of a short film
    assert check_all_failures(draw_to(name), family, tmp_path) > 0


@pytest.mark.parametrize("name", ["out.mp4", "out.mkv", "out.webm", "out.gif", "out.webp"])
def test_file_that_does_not_fit_is_an_error_at_every_size(tmp_path: Path, name: str) -> None:
    write(film(4), tmp_path / name)
    size = (tmp_path / name).stat().st_size
    (tmp_path / name).unlink()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    for limit in [*range(0, size, size // 8), size - 1]:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limits[1]))
        try:
            with pytest.raises(OutputError, match=rf"{name} cannot be written: it exceeds the"):
                write(film(4), tmp_path / name)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert {entry.name for entry in tmp_path.iterdir()} <= {f".{name}.parts"}
