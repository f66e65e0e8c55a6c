"""Distributed outputs: a pipeline with one step for each piece of an output, on any session.

For every op that takes and returns a type whose files can be made in pieces (`base.files.Pieces`):
films. The pipeline's state is in the work folder of the output, where `--resume` finds it, and is
removed when the output is complete.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kinoloom.base.budget import Budget
from kinoloom.base.files import Growing, Pieces, Progress, Written, files_of
from kinoloom.base.op import Op
from kinoloom.base.signals import end_in_order
from kinoloom.errors import ExecutionError, UsageError
from kinoloom.jobs.job import Job
from kinoloom.jobs.options import DistributedOptions

if TYPE_CHECKING:
    from kinoloom.pipelines.local.execution import LocalExecution

_CONTAINER_ROOT = "/opt/ml/processing"
_PROGRAM = "kinoloom.jobs.write_piece"
_POLL_S = 0.1
_MAX_ATTEMPTS = 3


def can_distribute(op: Op) -> bool:
    """Whether the output of an op can be made in pieces."""
    return op.input_type is op.output_type and isinstance(files_of(op.output_type), Pieces)


def write_distributed(
    job: Job,
    result: Any,
    write_options: Any,
    options: DistributedOptions,
    progress: Progress,
) -> Written:
    """Write the output of a job in pieces on a session; it equals what `Files.write` writes.

    Args:
        job: the op, its inputs and options; its output is the file.
        result: what the op returned here, lazy.
        write_options: as for `Files.write`.
        options: the session, and the duration of a piece.
        progress: called with the number of frames or items done.

    Raises:
        UsageError: an unknown session, or a kind of file that cannot be made in pieces.
        ExecutionError: a piece failed; finished pieces are kept for `--resume`.
        OutputError: as `Files.write`.
    """
    files = files_of(job.op.output_type)
    if not isinstance(files, Pieces) or options.session is None or job.output is None:
        raise UsageError(f"The output of {job.op.name} cannot be made in pieces.")
    with files.growing(result, job.output, write_options, options.piece) as growing:
        if growing.pieces:
            budget = getattr(result, "budget", None)
            _run_pieces(job, growing, options.session, budget, progress)
        return growing.finish()


@end_in_order()
def _run_pieces(
    job: Job, growing: Growing, session_name: str, budget: Budget | None, progress: Progress
) -> None:
    """Run a pipeline of the missing pieces; append each once all before it are there."""
    from kinoloom.pipelines.builder.pipeline import Pipeline
    from kinoloom.pipelines.sessions import open_local_session

    session = open_local_session(session_name, growing.folder / "session")
    steps = [_piece_step(job, number, piece, budget) for number, piece in enumerate(growing.pieces)]
    pipeline = Pipeline(f"Pieces-{len(steps)}", steps=steps, sagemaker_session=session)
    pipeline.upsert()
    execution = session.start(pipeline.name)
    done = 0
    try:
        for step in steps:
            if not _wait_for(execution, step.name):
                break
            done += growing.add(execution.result_so_far(step.name)["piece"])
            progress(done, None)
    except BaseException:
        execution.stop()
        execution.join()
        raise
    execution.join()
    if execution.status != "Succeeded":
        raise ExecutionError(
            execution.describe()["FailureReason"],
            hint="Finished pieces are kept; add --resume to continue.",
        )


def _wait_for(execution: LocalExecution, step: str) -> bool:
    """Wait until a step has ended or can no longer start; return whether it succeeded."""
    while True:
        is_over = execution.status not in ("Executing", "Stopping")
        statuses = {one["StepName"]: one["StepStatus"] for one in execution.list_steps()}
        if is_over or statuses.get(step) not in (None, "Executing"):
            return statuses.get(step) == "Succeeded"
        time.sleep(_POLL_S)


def _piece_step(job: Job, number: int, piece: Mapping[str, Any], budget: Budget | None) -> Any:
    from kinoloom.pipelines.builder.job_steps import ProcessingStep
    from kinoloom.pipelines.builder.processing import Processor
    from kinoloom.pipelines.builder.processing_files import ProcessingInput, ProcessingOutput
    from kinoloom.pipelines.builder.retry import (
        SageMakerJobExceptionTypeEnum,
        SageMakerJobStepRetryPolicy,
    )
    from kinoloom.pipelines.local.jobs.job import module_command

    processor = Processor(image_uri="kinoloom", entrypoint=module_command(_PROGRAM))
    inputs = [
        ProcessingInput(path.as_uri(), place, f"input-{k}", app_managed=True)
        for k, (place, path) in enumerate(_files_by_place(job).items())
    ]
    outputs = [ProcessingOutput(f"{_CONTAINER_ROOT}/piece", output_name="piece")]
    retry = SageMakerJobStepRetryPolicy(
        [SageMakerJobExceptionTypeEnum.INTERNAL_ERROR], max_attempts=_MAX_ATTEMPTS
    )
    run = processor.run(inputs, outputs, [_piece_request(job, piece, budget)])
    return ProcessingStep(f"Piece-{number}", step_args=run, retry_policies=[retry])


def _piece_request(job: Job, piece: Mapping[str, Any], budget: Budget | None) -> str:
    """The argument of `write_piece`, as JSON: files by name, other values as text.

    With a memory limit, each piece leaves the engine as much as the whole output would.
    """
    given = {name: value for name, value in job.options.items() if value is not None}
    files = {name: value.name for name, value in given.items() if isinstance(value, Path)}
    options = {
        name: value if isinstance(value, bool) else str(value)
        for name, value in given.items()
        if name not in files
    }
    return json.dumps(
        {
            "op": job.op.name,
            "inputs": [path.name for path in job.inputs],
            "read": {name: value for name, value in job.read_options.items() if value is not None},
            "options": options,
            "files": files,
            "piece": piece,
        }
        | ({"writing": budget.need("writing")} if budget and budget.is_enforced else {})
    )


def _files_by_place(job: Job) -> dict[str, Path]:
    """All files that a step reads, by the path where it finds them."""
    inputs = {f"{_CONTAINER_ROOT}/input/{k}": path for k, path in enumerate(job.inputs)}
    options = {
        f"{_CONTAINER_ROOT}/option/{name}": value
        for name, value in job.options.items()
        if isinstance(value, Path)
    }
    return {place: path.resolve() for place, path in {**inputs, **options}.items()}
