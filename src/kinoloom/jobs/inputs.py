"""The inputs of a job, and what happens if one changes while the job runs.

An op on a clip is lazy: its writer checks the files by the provenance record. An op on a path reads
it while it works, so the files are checked before its report is written; an op that writes files of
its own checks them before (`base.provenance.check_job_inputs`). If one has changed, the report does
not get its name, and what the op has finished is kept.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from kinoloom.base.files import files_of
from kinoloom.base.notes import logger
from kinoloom.base.options import build
from kinoloom.base.outputs import name_aside
from kinoloom.base.provenance import InputFiles, ManyInputFiles
from kinoloom.base.report import Report
from kinoloom.errors import InputChangedError
from kinoloom.jobs.job import Job


@dataclass
class Kept:
    """What is kept if an input has changed: the result of the op, once it is there."""

    result: object = None


def list_inputs(job: Job) -> list[Path]:
    """Return the inputs, and the files that are options: weights, examples, test data."""
    given = {name: one for name, one in job.options.items() if name != job.op.output_option}
    return [*job.inputs, *(value for value in given.values() if isinstance(value, Path))]


@contextmanager
def guard_inputs(job: Job, inputs: list[Path]) -> Iterator[Kept]:
    """Report files that change while the op runs in the block, also in place of its error.

    The block passes the result to what is yielded. Its report is kept under another name.

    Raises:
        InputChangedError: a file has changed.
    """
    kept = Kept()
    files = InputFiles(inputs, [ManyInputFiles(_list_data(job))])
    if job.op.reads_first:
        try:
            yield kept
        finally:
            if change := files.find_change():
                logger.warning("%s while %s was running.", change, job.op.name)
        return
    try:
        with files.guard(), files.as_inputs_of_job():
            yield kept
    except InputChangedError as error:
        if text := _keep(job, kept.result):
            raise error.with_kept(text) from error
        raise


def is_secondary_process() -> bool:
    """Whether torchrun started this process with a rank above 0: rank 0 writes for all."""
    return "TORCHELASTIC_RUN_ID" in os.environ and os.environ.get("RANK", "0") != "0"


def _list_data(job: Job) -> Iterator[Path]:
    """Yield the photos and videos below folders that the op reads, except below its outputs."""
    folders = [path for path in job.inputs if job.op.input_type is Path and path.is_dir()]
    if not folders:
        return
    from kinoloom.learn.data.videos import find_videos
    from kinoloom.learn.synthetic.textures import find_photos

    outputs = [one.resolve() for one in job.options.values() if isinstance(one, Path)]
    for folder in folders:
        place = folder.resolve()
        inside = [one for one in outputs if one.is_relative_to(place)]
        for path in (*find_videos(folder), *find_photos(folder)):
            if not any((place / path.relative_to(folder)).is_relative_to(one) for one in inside):
                yield path


def _keep(job: Job, result: object) -> str:
    """Write a report that may not have its name, and return where the work is, as sentences."""
    if result is None or is_secondary_process():
        return ""
    kept = []
    if isinstance(result, Report) and job.output is not None:
        aside = name_aside(job.output)
        files = files_of(Report)
        files.write(result, aside, build(files.write_options, {}))
        kept.append(f"The report is kept as {aside}.")
    out = job.options.get("out")
    if isinstance(out, Path) and out.exists():
        kept.append(f"What was written to {out} is kept.")
    return " ".join(kept)
