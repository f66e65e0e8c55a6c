"""Jobs without a front end: inputs, outputs, reports, cancelling, what cannot be distributed."""

from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from kinoloom import Clip, Frame, Report, read, write
from kinoloom.base import Op, op, option
from kinoloom.base.report import Text
from kinoloom.errors import (
    BudgetError,
    InputNotFoundError,
    MissingExtraError,
    OutputExistsError,
    UsageError,
)
from kinoloom.jobs.distributed import can_distribute, write_distributed
from kinoloom.jobs.job import Job
from kinoloom.jobs.options import DistributedOptions
from kinoloom.jobs.run import run_job
from kinoloom.media.write_options import WriteOptions


@dataclass(frozen=True)
class ShadeOptions:
    """Options of both ops."""

    factor: float = option(0.5, "how bright the result is", low=0, high=1)


@op("darken", page="test_run_job:describe")
def darken(clip: Clip, options: ShadeOptions) -> Clip:
    """Darken every frame of a video."""

    def read_dark(start: Fraction) -> Any:
        for frame in clip.read(start):
            image = (np.asarray(frame.image) * options.factor).astype(np.uint8)
            yield replace(frame, image=image, native=None)

    return clip.with_(read=read_dark, provenance=None)


@op("measure")
def measure(file: Path, options: ShadeOptions) -> Report:
    """Report the size of a file."""
    size = file.stat().st_size
    return Report("Size", (Text(f"{size} bytes"),), {"bytes": size})


def describe(clip: Clip, result: Clip, options: ShadeOptions) -> Report:
    """The page of `darken`."""
    return Report("Darker", (Text(f"by {options.factor}"),))


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """Six white frames."""
    white = np.full((32, 48, 3), 240, np.uint8)
    frames = [Frame(white, Fraction(k, 10), Fraction(1, 10)) for k in range(6)]
    write(Clip.from_frames(frames, rate=Fraction(10)), tmp_path / "in.mkv", codec="ffv1")
    return tmp_path / "in.mkv"


def test_a_clip_is_written_with_its_report(film: Path, tmp_path: Path) -> None:
    output, report = tmp_path / "out.mkv", tmp_path / "report.html"
    job = Job(darken, (film,), output, {"factor": 0.25}, report=report)
    done: list[int] = []
    outcome = run_job(job, lambda count, total: done.append(count))
    assert outcome.is_complete
    assert outcome.written is not None
    assert done[-1] == 6
    assert next(iter(read(output))).image.max() < 80
    assert "by 0.25" in report.read_text()


def test_a_result_without_an_output_stays_in_memory(film: Path) -> None:
    outcome = run_job(Job(measure, (film,)))
    assert outcome.written is None
    assert outcome.result.summary == f"{film.stat().st_size} bytes"


def test_an_error_note_makes_the_outcome_incomplete(film: Path, tmp_path: Path) -> None:
    outcome = run_job(Job(darken, (film,), tmp_path / "out.mkv"))
    outcome.result.notes.add("damage", "a part is missing", "error")
    assert not outcome.is_complete


@pytest.mark.parametrize("count", [0, 2])
def test_an_op_of_one_file_rejects_another_number(film: Path, count: int) -> None:
    with pytest.raises(UsageError, match=f"measure takes one file, not {count}"):
        run_job(Job(measure, (film,) * count))


def test_an_input_that_does_not_exist_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(InputNotFoundError):
        run_job(Job(darken, (tmp_path / "absent.mkv",), tmp_path / "out.mkv"))


def test_existing_outputs_are_found_before_the_work(film: Path, tmp_path: Path) -> None:
    def fail(*_: Any) -> Any:
        raise AssertionError("the op ran")

    (tmp_path / "old.json").write_text("{}")
    never = replace(measure, function=fail)
    with pytest.raises(OutputExistsError):
        run_job(Job(never, (film,), tmp_path / "old.json"))
    with pytest.raises(OutputExistsError):
        run_job(Job(replace(darken, function=fail), (film,), report=tmp_path / "old.json"))
    assert (tmp_path / "old.json").read_text() == "{}"
    run_job(Job(measure, (film,), tmp_path / "old.json", write_options={"overwrite": True}))
    assert "bytes" in (tmp_path / "old.json").read_text()


@pytest.mark.parametrize("error", [MemoryError(), av.error.MemoryError(12, "no memory")])
def test_too_little_memory_is_a_budget_error(film: Path, tmp_path: Path, error: Exception) -> None:
    def allocate(clip: Clip, options: ShadeOptions) -> Any:
        return np.zeros(1 << 60, np.uint8)

    def run_out(start: Fraction) -> Any:
        yield next(iter(read(film)))
        raise error

    with pytest.raises(BudgetError, match=r"darken needs more memory .*: Unable to allocate"):
        run_job(Job(replace(darken, function=allocate), (film,), tmp_path / "out.mkv"))
    late = replace(darken, function=lambda clip, options: clip.with_(read=run_out))
    with pytest.raises(BudgetError, match="darken needs more memory"):
        run_job(Job(late, (film,), tmp_path / "out.mkv"))
    assert not (tmp_path / "out.mkv").exists()


@pytest.mark.parametrize("alias", ["path", "dotted", "symlink", "hard link"])
@pytest.mark.parametrize("as_report", [False, True])
def test_an_input_is_never_an_output(
    film: Path, tmp_path: Path, alias: str, as_report: bool
) -> None:
    before = film.read_bytes()
    other = tmp_path / "other.mkv"
    if alias == "symlink":
        other.symlink_to(film)
    elif alias == "hard link":
        other.hardlink_to(film)
    name = {"path": film, "dotted": tmp_path / ".." / tmp_path.name / film.name}.get(alias, other)
    output, report = (tmp_path / "new.mkv", name) if as_report else (name, None)
    for wrong in (darken, measure):
        job = Job(wrong, (film,), output, write_options={"overwrite": True}, report=report)
        with pytest.raises(OutputExistsError, match=r"the input .*in\.mkv"):
            run_job(job)
    assert film.read_bytes() == before
    assert not (tmp_path / "new.mkv").exists()


def test_a_file_option_is_never_an_output(film: Path, tmp_path: Path) -> None:
    weights = tmp_path / "net.safetensors"
    weights.write_bytes(b"weights")

    @dataclass(frozen=True)
    class Options:
        weights: Path | None = option(None, "weights")

    weighed = replace(measure, options=Options, function=lambda path, options: Report("x", (), {}))
    job = Job(weighed, (film,), weights, {"weights": weights}, {}, {"overwrite": True})
    with pytest.raises(OutputExistsError, match=r"the input .*net\.safetensors"):
        run_job(job)
    assert weights.read_bytes() == b"weights"


def test_a_folder_with_inputs_is_never_replaced(film: Path, tmp_path: Path) -> None:
    frames = tmp_path / "frames"
    write(read(film), frames)
    photos = tuple(sorted(frames.glob("*.png")))
    before = [photo.read_bytes() for photo in photos]
    job = Job(darken, photos, frames, write_options={"overwrite": True})
    with pytest.raises(OutputExistsError, match=r"contains the input .*000001\.png"):
        run_job(job)
    with pytest.raises(OutputExistsError, match="contains the input"):
        write(read(photos), frames, overwrite=True)
    assert [photo.read_bytes() for photo in photos] == before


def test_a_missing_extra_is_found_before_the_inputs_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lacks(extra: str) -> None:
        raise MissingExtraError(f"{extra} is missing.")

    monkeypatch.setattr("kinoloom.jobs.run.need_extra", lacks)
    job = Job(replace(darken, extra="train"), (tmp_path / "absent.mkv",), tmp_path / "out.mkv")
    with pytest.raises(MissingExtraError, match="train is missing"):
        run_job(job)


def test_only_the_first_of_several_processes_writes_the_report(
    film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "none")
    monkeypatch.setenv("RANK", "1")
    outcome = run_job(Job(measure, (film,), tmp_path / "report.json"))
    assert outcome.written is None
    assert not (tmp_path / "report.json").exists()


def test_cancelling_leaves_nothing_under_the_final_name(film: Path, tmp_path: Path) -> None:
    class CancelledError(Exception):
        """Raised by the progress callback."""

    def cancel(done: int, total: int | None) -> None:
        if done >= 2:
            raise CancelledError

    with pytest.raises(CancelledError):
        run_job(Job(darken, (film,), tmp_path / "out.mkv"), cancel)
    assert not (tmp_path / "out.mkv").exists()


@pytest.mark.parametrize(
    ("wrong", "session", "output"),
    [(measure, "local", "out.json"), (darken, None, "out.mkv"), (darken, "local", None)],
)
def test_what_cannot_be_made_in_pieces_is_rejected(
    film: Path, tmp_path: Path, wrong: Op, session: str | None, output: str | None
) -> None:
    job = Job(wrong, (film,), None if output is None else tmp_path / output)
    with pytest.raises(UsageError, match=f"{wrong.name} cannot be made in pieces"):
        write_distributed(
            job, read(film), WriteOptions(), DistributedOptions(session), lambda *_: None
        )


def test_only_ops_from_films_to_films_can_be_distributed() -> None:
    assert can_distribute(darken)
    assert not can_distribute(measure)
    assert not can_distribute(replace(darken, output_type=Report))


@pytest.mark.parametrize(
    ("output", "report", "message"),
    [
        ("out.mkv", "page.pdf", r"A report cannot be written as '.pdf'"),
        ("out.html", "out.html", "The report and the output have the same path"),
    ],
)
def test_report_that_cannot_be_written_is_rejected_before_the_work(
    film: Path, tmp_path: Path, output: str, report: str, message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        run_job(Job(darken, (film,), tmp_path / output, report=tmp_path / report))
    assert [path for path in tmp_path.iterdir() if path != film] == []


def test_unknown_suffix_of_a_report_is_rejected_before_the_work(film: Path, tmp_path: Path) -> None:
    def fail(file: Path, options: ShadeOptions) -> Report:
        """Run too early."""
        raise AssertionError

    with pytest.raises(UsageError, match=r"cannot be written as '.doc'"):
        run_job(Job(op("fail-early")(fail), (film,), tmp_path / "out.doc"))


def test_link_to_nothing_is_not_replaced(film: Path, tmp_path: Path) -> None:
    """As to a file on a disk that is not mounted."""
    (tmp_path / "out.mkv").symlink_to(tmp_path / "disk" / "out.mkv")
    with pytest.raises(OutputExistsError, match="already exists"):
        run_job(Job(darken, (film,), tmp_path / "out.mkv"))
    assert (tmp_path / "out.mkv").is_symlink()
