"""What an op gives, made in pieces: a pipeline with a step for each piece, on any session.

For every op that takes and gives nouns which can be made in pieces (`base.nouns.Pieces`): films.
The state of the pipeline lies in the work folder of the output, so that `--resume` finds it, and
goes with it when the output is whole.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kinoloom.base.nouns import Growing, Pieces, Progress, files_of
from kinoloom.base.op import Op
from kinoloom.base.options import option
from kinoloom.errors import ExecutionError, UsageError

if TYPE_CHECKING:
    from kinoloom.pipelines.local.execution import LocalExecution

_BASE = "/opt/ml/processing"
_PROGRAM = "kinoloom.pipelines.stepping.write_piece"
_LOOK_S = 0.1
_MOST_ATTEMPTS = 3


@dataclass(frozen=True)
class MapOptions:
    """How the work of an op is divided."""

    session: str | None = option(
        None, "make it in pieces, side by side: local, ray, auto, ray://HOST:PORT or HOST:PORT"
    )
    piece: Fraction = option(
        Fraction(30), "with --session: how long a piece is at least", low=1, unit="s"
    )


@dataclass(frozen=True)
class Work:
    """An op and all that it is told.

    Attributes:
        op: what to do.
        inputs: the files.
        read, options: values by name, None where not given.
    """

    op: Op
    inputs: Sequence[Path]
    read: Mapping[str, Any]
    options: Mapping[str, Any]

    def told(self, piece: Mapping[str, Any]) -> str:
        """What a step is told, as JSON: files by their names, all other values as text."""
        given = {key: value for key, value in self.options.items() if value is not None}
        files = {key: value.name for key, value in given.items() if isinstance(value, Path)}
        plain = {
            key: value if isinstance(value, bool) else str(value)
            for key, value in given.items()
            if key not in files
        }
        read = {key: value for key, value in self.read.items() if value is not None}
        return json.dumps(
            {
                "op": self.op.name,
                "inputs": [path.name for path in self.inputs],
                "read": read,
                "options": plain,
                "files": files,
                "piece": piece,
            }
        )

    def places(self) -> dict[str, Path]:
        """All files that a step needs, by the places where it finds them."""
        inputs = {f"{_BASE}/input/{k}": path for k, path in enumerate(self.inputs)}
        options = {
            f"{_BASE}/option/{key}": value
            for key, value in self.options.items()
            if isinstance(value, Path)
        }
        return {place: path.resolve() for place, path in {**inputs, **options}.items()}


def can_be_mapped(op: Op) -> bool:
    """Whether what an op gives can be made in pieces."""
    return op.takes is op.gives and isinstance(files_of(op.gives), Pieces)


def write_mapped(
    work: Work, noun: Any, path: Path, write_options: Any, options: MapOptions, progress: Progress
) -> dict[str, Any]:
    """Write what an op gives, made in pieces on a session; the same as `Files.write` would.

    Args:
        work: what each piece is made by.
        noun: what the op gives here, lazy.
        path: where to.
        write_options: as for `Files.write`.
        options: where, and in how large pieces.
        progress: told the number of frames or items done.

    Raises:
        UsageError: there is no such session, or this kind of file is not made in pieces.
        ExecutionError: a piece failed; what is done is kept.
        OutputError: as `Files.write`.
    """
    files = files_of(work.op.gives)
    if not isinstance(files, Pieces) or options.session is None:
        raise UsageError(f"What {work.op.name} gives is not made in pieces.")
    with files.growing(noun, path, write_options, options.piece) as growing:
        _make(work, growing, options.session, progress)
        return growing.finish()


def _make(work: Work, growing: Growing, session_word: str, progress: Progress) -> None:
    """Run a pipeline of the pieces, and take each over as soon as all before it are there."""
    from kinoloom.pipelines.builder.pipeline import Pipeline
    from kinoloom.pipelines.sessions import local_session_of

    session = local_session_of(session_word, growing.folder / "session")
    steps = [_step(work, k, piece) for k, piece in enumerate(growing.pieces)]
    pipeline = Pipeline(f"Pieces-{len(steps)}", steps=steps, sagemaker_session=session)
    pipeline.upsert()
    execution = session.start(pipeline.name)
    done = 0
    try:
        for step in steps:
            if not _succeeded(execution, step.name):
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
            execution.describe()["FailureReason"], hint="What is done is kept; --resume goes on."
        )


def _succeeded(execution: LocalExecution, name: str) -> bool:
    """Wait until a step has ended, or nothing more begins; whether it did well."""
    while True:
        over = execution.status not in ("Executing", "Stopping")
        statuses = {one["StepName"]: one["StepStatus"] for one in execution.list_steps()}
        if over or statuses.get(name) not in (None, "Executing"):
            return statuses.get(name) == "Succeeded"
        time.sleep(_LOOK_S)


def _step(work: Work, number: int, piece: Mapping[str, Any]) -> Any:
    from kinoloom.pipelines.builder.job_steps import ProcessingStep
    from kinoloom.pipelines.builder.processing import Processor
    from kinoloom.pipelines.builder.processing_files import ProcessingInput, ProcessingOutput
    from kinoloom.pipelines.builder.retry import (
        SageMakerJobExceptionTypeEnum,
        SageMakerJobStepRetryPolicy,
    )
    from kinoloom.pipelines.local.jobs import own_program

    processor = Processor(image_uri="kinoloom", entrypoint=own_program(_PROGRAM))
    inputs = [
        ProcessingInput(path.as_uri(), place, f"input-{k}", app_managed=True)
        for k, (place, path) in enumerate(work.places().items())
    ]
    outputs = [ProcessingOutput(f"{_BASE}/piece", output_name="piece")]
    again = SageMakerJobStepRetryPolicy(
        [SageMakerJobExceptionTypeEnum.INTERNAL_ERROR], max_attempts=_MOST_ATTEMPTS
    )
    run = processor.run(inputs, outputs, [work.told(piece)])
    return ProcessingStep(f"Piece-{number}", step_args=run, retry_policies=[again])
