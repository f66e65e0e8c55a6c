"""Jobs whose inputs change while they run."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from kinoloom import Clip, Frame, Report, read, write
from kinoloom.base import op, option, registry
from kinoloom.base.files import files_of
from kinoloom.base.report import Text
from kinoloom.errors import InputChangedError, UnreadableMediaError
from kinoloom.jobs.job import Job
from kinoloom.jobs.run import run_job
from kinoloom.media.write_options import WriteOptions

RATE = Fraction(10)


@dataclass(frozen=True)
class FileOptions:
    """Options of the ops."""

    table: Path | None = option(None, "a file")


@op("disturb")
def disturb(clip: Clip, options: FileOptions) -> Clip:
    """Append to the table, then return the clip."""
    append(options.table or clip.files[0])
    return clip.with_(provenance=None)


@op("fail")
def fail(clip: Clip, options: FileOptions) -> Clip:
    """Append to the input, then fail to read it."""
    append(clip.files[0])
    raise UnreadableMediaError("It is damaged.")


@op("late", page="test_changed_inputs_of_jobs:append_and_describe")
def late(clip: Clip, options: FileOptions) -> Clip:
    """Return the clip."""
    return clip.with_(provenance=None)


@op("long")
def long(file: Path, options: FileOptions) -> Report:
    """Append to the input, then return a report."""
    append(file)
    return Report("Long", (Text("done"),))


@op("break-off")
def break_off(file: Path, options: FileOptions) -> Report:
    """Append to the input, then fail."""
    append(file)
    raise UnreadableMediaError("It is damaged.")


@op("compiled", reads_first=True)
def compiled(file: Path, options: FileOptions) -> Report:
    """Append to the input, then return a report."""
    append(file)
    return Report("Compiled", (Text("done"),))


@dataclass(frozen=True)
class StudyOptions:
    """Options of an op on a folder."""

    change: str = option("", "what happens to the folder")
    out: Path | None = option(None, "a folder to create")


@op("study")
def study(data: Path, options: StudyOptions) -> Report:
    """Change the folder, then return a report."""
    assert options.out is not None
    (options.out).mkdir()
    (options.out / "sample.png").write_bytes(b"1")
    picture = data / "1" / "a.png"
    if options.change == "modify":
        picture.write_bytes(b"4 5 6")
    if options.change == "remove":
        picture.unlink()
    if options.change == "add":
        (data / "1" / "b.png").write_bytes(b"1")
    if options.change == "log":
        (data / "train.log").write_text("step 1")
    return Report("Study", (Text("done"),))


def append(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"more")


def append_and_describe(clip: Clip, result: Clip, options: FileOptions) -> Report:
    append(clip.files[0])
    return Report("Late", (Text("done"),))


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """Twenty-five grey seconds."""
    frames = [Frame(np.full((32, 48, 3), 99, np.uint8), k / RATE, 1 / RATE) for k in range(250)]
    write(Clip.from_frames(frames, rate=RATE), tmp_path / "in.mkv", codec="ffv1")
    return tmp_path / "in.mkv"


@pytest.mark.parametrize("name", ["input", "table"])
def test_change_while_the_op_runs_is_an_error(film: Path, tmp_path: Path, name: str) -> None:
    table = tmp_path / "table"
    table.write_bytes(b"1 2 3")
    options = {"table": table} if name == "table" else {}
    changed = "table" if name == "table" else "in.mkv"
    with pytest.raises(InputChangedError, match=f"{changed} grew"):
        run_job(Job(disturb, (film,), tmp_path / "out.mkv", options))
    assert not (tmp_path / "out.mkv").exists()


def test_change_explains_an_error_of_the_op(film: Path, tmp_path: Path) -> None:
    with pytest.raises(InputChangedError, match=r"in\.mkv grew") as caught:
        run_job(Job(fail, (film,), tmp_path / "out.mkv"))
    assert isinstance(caught.value.__cause__, UnreadableMediaError)


def test_change_before_the_report_keeps_the_film(film: Path, tmp_path: Path) -> None:
    output, report = tmp_path / "out.mkv", tmp_path / "page.html"
    with pytest.raises(InputChangedError, match=r"out.mkv is complete, but its report is missing"):
        run_job(Job(late, (film,), output, report=report))
    assert sum(1 for _ in read(output)) == 250
    assert not report.exists()


def test_changed_path_keeps_the_report_under_another_name(tmp_path: Path) -> None:
    file, page = tmp_path / "model", tmp_path / "page.html"
    file.write_bytes(b"1 2 3")
    (tmp_path / "page.partial.html").write_text("mine")
    kept = r"page.partial-2.html"
    with pytest.raises(
        InputChangedError, match=rf"model grew from 5 to 9 bytes .*kept as .*{kept}"
    ):
        run_job(Job(long, (file,), page))
    assert not page.exists()
    assert "done" in (tmp_path / kept).read_text()
    assert (tmp_path / "page.partial.html").read_text() == "mine"


def test_changed_path_without_an_output_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "model").write_bytes(b"1 2 3")
    with pytest.raises(InputChangedError, match="model grew from 5 to 9 bytes while it was read"):
        run_job(Job(long, (tmp_path / "model",)))


def test_change_explains_an_error_of_an_op_on_a_path(tmp_path: Path) -> None:
    (tmp_path / "model").write_bytes(b"1 2 3")
    with pytest.raises(InputChangedError, match="model grew"):
        run_job(Job(break_off, (tmp_path / "model",)))


def test_op_that_has_read_its_input_before_warns(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "pipeline.json"
    file.write_bytes(b"1 2 3")
    with caplog.at_level(logging.WARNING, "kinoloom"):
        assert run_job(Job(compiled, (file,))).is_complete
    assert "pipeline.json grew from 5 to 9 bytes while compiled was running." in caplog.text


@pytest.mark.parametrize("change", ["modify", "remove", "add", "log", "output"])
def test_data_set_may_only_grow(tmp_path: Path, change: str) -> None:
    """As the footage of a training: files that were there at its start must stay as they are."""
    for number in range(3):
        (tmp_path / "data" / f"{number}").mkdir(parents=True)
        (tmp_path / "data" / f"{number}" / "a.png").write_bytes(b"1 2 3")
    options = {"change": change, "out": tmp_path / "data" / "run"}
    job = Job(study, (tmp_path / "data",), tmp_path / "page.html", options)
    if change in ("modify", "remove"):
        kept = f"The report is kept as .* What was written to {options['out']} is kept"
        with pytest.raises(InputChangedError, match=rf"data/1/a.png was .*{kept}"):
            run_job(job)
    else:
        run_job(job)
    assert (tmp_path / "page.html").exists() == (change not in ("modify", "remove"))


@pytest.mark.parametrize("when", ["before a piece is added", "before the film is joined"])
def test_pieces_of_a_changed_input_are_not_joined(film: Path, tmp_path: Path, when: str) -> None:
    clip = registry.load("ops", "interpolate")(read(film), fps="20", engine="fast")
    output, files = tmp_path / "out.mkv", files_of(Clip)

    def write_pieces(add: Callable[[], None], finish: Callable[[], None]) -> None:
        with files.growing(clip, output, WriteOptions(), Fraction(12)) as growing:  # type: ignore[attr-defined]
            for number, piece in enumerate(growing.pieces):
                folder = tmp_path / str(number)
                folder.mkdir()
                files.write_piece(clip, piece, folder)  # type: ignore[attr-defined]
                if number == 1:
                    add()
                growing.add(folder)
            finish()
            growing.finish()

    early = when == "before a piece is added"
    change = (lambda: append(film), lambda: None)
    kept = "[0-9]+ frames finished before, without sound"
    with pytest.raises(InputChangedError, match=rf"in.mkv grew .*out.partial.mkv has the {kept}"):
        write_pieces(*(change if early else change[::-1]))
    assert not output.exists()
    assert sum(1 for _ in read(tmp_path / "out.partial.mkv")) == (400 if early else 500)
