"""Runs a job: check, read, execute, write."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from kinoloom.base import registry
from kinoloom.base.budget import Budget
from kinoloom.base.clip import Clip
from kinoloom.base.files import (
    Budgeted,
    ChecksPath,
    Nothing,
    Progress,
    Written,
    check_regular,
    files_of,
    no_progress,
    read_input,
)
from kinoloom.base.machine import available_bytes
from kinoloom.base.need import need_extra
from kinoloom.base.options import build
from kinoloom.base.outputs import check_not_input, check_output
from kinoloom.base.report import Report
from kinoloom.base.units import format_bytes
from kinoloom.errors import BudgetError, InputChangedError, UsageError
from kinoloom.jobs.distributed import write_distributed
from kinoloom.jobs.inputs import guard_inputs, is_secondary_process, list_inputs
from kinoloom.jobs.job import Job, Outcome
from kinoloom.jobs.options import DistributedOptions


def run_job(job: Job, progress: Progress = no_progress) -> Outcome:
    """Run a job to its end.

    Args:
        job: what to do.
        progress: called with the number of frames or items written; may raise to cancel.

    Raises:
        UsageError: an option, or the number of inputs, is wrong.
        MissingError: an extra or weights are missing.
        OutputExistsError: an output exists and may not be replaced, or is one of the inputs.
        UnreadableMediaError: an input is a named pipe, a device or a socket.
        InputChangedError: an input was changed while it was read.
        BudgetError: the memory of the machine, or a limit on it, is exhausted.
        KinoloomError: as reading, the op and writing do.
    """
    options = build(job.op.options, job.options)
    write_options = build(files_of(job.op.output_type).write_options, job.write_options)
    budget = _open_budget(job, options, write_options)
    try:
        return _run(job, options, write_options, budget, progress)
    except BudgetError:
        raise
    except MemoryError as error:
        cause = f": {error}" if str(error) else ""
        needs = f"; {budget.describe()}" if budget.least_bytes else ""
        raise BudgetError(
            f"{job.op.name} needs more memory than is available{cause}{needs}, and "
            f"{format_bytes(available_bytes())} are free.",
            hint="Reduce the size of the input, or run it where more memory is free.",
        ) from error


def _open_budget(job: Job, options: Any, write_options: Any) -> Budget:
    """Return the budget of a job; the limit is the option `memory` of its op, if it has one."""
    files = files_of(job.op.output_type)
    writing = None
    if isinstance(files, Budgeted) and job.output is not None:
        writing = files.estimate_writing(job.output, write_options)
    return Budget(getattr(options, "memory", None), writing)


def _run(job: Job, options: Any, write_options: Any, budget: Budget, progress: Progress) -> Outcome:
    inputs = list_inputs(job)
    for source_path in inputs:
        check_regular(source_path)
    _check_outputs(job, inputs, overwrite=write_options.overwrite)
    if job.op.extra:
        need_extra(job.op.extra)
    with guard_inputs(job, inputs) as kept:
        source = _read(job, budget)
        if isinstance(source, Clip):
            budget.require("reading", "to read the input", source.reading_bytes)
        result = job.op(source, options)
        kept.result = result
    if isinstance(result, Report) and is_secondary_process():
        return Outcome(result, None)
    has_report = _has_report(job, result, write_options)
    written = _write(job, result, write_options, progress)
    if job.report is not None:
        if not has_report:
            _write_report(job, job.report, source, result, options, write_options)
        written = written and written.with_data(report=str(job.report))
    return Outcome(result, written)


@contextmanager
def _guard_source(job: Job, result: Any) -> Iterator[None]:
    """Check the files of a result that has been written while the report on it reads them again."""
    record = getattr(result, "provenance", None)
    try:
        with record.files.guard() if record else nullcontext():
            yield
    except InputChangedError as error:
        raise error.with_kept(f"{job.output} is complete, but its report is missing.") from error


def _check_outputs(job: Job, inputs: list[Path], *, overwrite: bool) -> None:
    """Check, before the work starts, that the output and the report can be written.

    A clip is computed while it is written, and its writer checks the rest first.

    Raises:
        UsageError: an unknown suffix, or the report has the path of the output.
        OutputExistsError, OutputError: as `check_not_input` and `check_output`.
    """
    pairs = ((job.op.output_type, job.output), (Report, job.report))
    outputs = [(core_type, path) for core_type, path in pairs if path is not None]
    for _, path in outputs:
        check_not_input(path, inputs)
    for core_type, path in outputs:
        files = files_of(core_type)
        if isinstance(files, ChecksPath):
            files.check_path(path)
        if path == job.report and job.output and path.resolve() == job.output.resolve():
            raise UsageError(f"The report and the output have the same path {path}.")
        if core_type is not Clip:
            is_kept = path == job.report and job.write_options.get("resume")  # see `_has_report`
            check_output(path, overwrite=overwrite or bool(is_kept))


def _read(job: Job, budget: Budget) -> Any:
    if job.op.input_type is Nothing:
        return Nothing()
    if job.op.input_type is not Path:
        return read_input(job.op, job.inputs, job.read_options, budget)
    if len(job.inputs) != 1:
        raise UsageError(f"{job.op.name} takes one {job.op.input_name}, not {len(job.inputs)}.")
    return job.inputs[0]


def _write(job: Job, result: Any, write_options: Any, progress: Progress) -> Written | None:
    if job.output is None:
        return None
    if job.distributed_options.get("session") is None:
        files = files_of(job.op.output_type)
        return files.write(result, job.output, write_options, progress)
    distributed = build(DistributedOptions, job.distributed_options)
    return write_distributed(job, result, write_options, distributed, progress)


def _has_report(job: Job, result: Any, write_options: Any) -> bool:
    """Whether a run that is resumed has the report on this result already.

    Raises:
        OutputExistsError: the file is another one and may not be replaced.
    """
    if job.report is None or not getattr(write_options, "resume", False):
        return False
    record = getattr(result, "provenance", None)
    text = job.report.read_text("utf-8", "replace") if job.report.is_file() else ""
    if record is not None and record.key in text:
        return True
    check_output(job.report, overwrite=write_options.overwrite)
    return False


def _write_report(
    job: Job, path: Path, source: Any, result: Any, options: Any, write_options: Any
) -> None:
    with _guard_source(job, result):
        report: Report = registry.load_path(job.op.page, job.op.name)(source, result, options)
    files = files_of(Report)
    page_options = build(files.write_options, {"overwrite": write_options.overwrite})
    files.write(report, path, page_options)
