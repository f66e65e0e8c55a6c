"""What has its final name is on the disk, whoever wrote it."""

import json
import os
from fractions import Fraction
from pathlib import Path

import pytest
import torch
from definition_samples import definition, processing
from films import film, make_record

from disk import watch_disk
from kinoloom.base import Report
from kinoloom.base.outputs import write_text_atomically
from kinoloom.base.report.files import ReportFiles
from kinoloom.clifford.fields.files import FIELDS_FILES
from kinoloom.clifford.fields.generate import generate_maxwell
from kinoloom.clifford.options import MaxwellOptions
from kinoloom.learn.checkpointing import checkpoints
from kinoloom.learn.checkpointing.weights import write_weights
from kinoloom.media.files import write
from kinoloom.pipelines.local.session import LocalSession


def write_checkpoint(folder: Path) -> None:
    checkpoints.save(folder, {"step": 1}, keep=1)


def write_tensors(folder: Path) -> None:
    write_weights(folder / "w.safetensors", {"a": torch.zeros(3)}, {})


def write_folder_again(folder: Path) -> None:
    for _ in range(2):
        write(film(3, provenance=make_record()), folder / "frames", overwrite=True)


WRITERS = {
    "text": lambda folder: write_text_atomically(folder / "a.txt", "text"),
    "film": lambda folder: write(film(30, Fraction(1)), folder / "a.mp4"),
    "animation": lambda folder: write(film(3, provenance=make_record()), folder / "a.gif"),
    "folder": write_folder_again,
    "report": lambda folder: ReportFiles().write(
        Report("Title", ()), folder / "a.html", ReportFiles().write_options()
    ),
    "fields": lambda folder: FIELDS_FILES.write(
        generate_maxwell(MaxwellOptions(trajectories=1, cells=8, steps=2)),
        folder / "a.npz",
        FIELDS_FILES.write_options(),
    ),
    "checkpoint": write_checkpoint,
    "weights": write_tensors,
}


@pytest.mark.parametrize("name", WRITERS)
def test_names_are_assigned_to_flushed_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    with watch_disk(tmp_path, monkeypatch) as disk:
        WRITERS[name](tmp_path)
    assert disk.published


def test_segments_are_on_the_disk_before_their_records(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with watch_disk(tmp_path, monkeypatch) as disk:
        write(film(30, Fraction(1)), tmp_path / "a.mkv")
    records = [f".a.mkv.parts/{k:06d}.json" for k in range(3)]
    assert disk.published == [*records, "a.mkv"]


def test_contents_and_published_files_of_steps_are_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = "import os; out = os.environ['KINOLOOM_ML_ROOT'] + '/processing/out/out/'\n"
    code += "for name in 'ab': open(out + name, 'w').write(name)"
    step = processing("A", entrypoint=["python3", "-S", "-c", code], outputs=("out",))
    with watch_disk(tmp_path, monkeypatch) as disk:
        session = LocalSession(tmp_path)
        session.put_pipeline("Test", json.dumps(definition(step)))
        trace: list[str] = []
        session.workspace.state._db.set_trace_callback(trace.append)
        session.start("Test").wait()
    blobs = [name for name in disk.published if name.startswith("cas/")]
    assert len(blobs) == 3  # two files and their list
    ends = [
        k
        for k, text in enumerate(trace)
        if text.startswith(("UPDATE exec", "UPDATE steps SET status"))
    ]
    assert len(ends) == 3  # the start and the end of the execution, and the end of the step
    assert {trace[k - 1] for k in ends} == {"PRAGMA synchronous=FULL"}


def test_folder_that_cannot_be_flushed_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fsync = os.fsync

    def flush_files_only(handle: int) -> None:
        if Path(f"/proc/self/fd/{handle}").is_dir():
            raise OSError(22, "Invalid argument")
        fsync(handle)

    monkeypatch.setattr(os, "fsync", flush_files_only)
    write_text_atomically(tmp_path / "a.txt", "text")
    assert (tmp_path / "a.txt").read_text() == "text"
