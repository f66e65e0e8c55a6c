"""The ops of this subject, declared; the work is in the modules that they call."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from kinoloom.base.op import op
from kinoloom.base.options import option
from kinoloom.base.report import Report


@dataclass(frozen=True)
class ValidateOptions:
    """What `pipeline validate` may be told: nothing."""


@op("pipeline.validate")
def validate(file: Path, options: ValidateOptions) -> Report:
    """Check a pipeline definition (version 2020-12-01) and show its steps in order.

    FILE is the JSON that SageMaker's Python SDK makes with Pipeline.definition(). Every problem
    is named with its JSON path: unknown words, wrong types, references that lead nowhere, steps
    that wait for each other in a circle. Nothing is run.
    """
    from kinoloom.pipelines.page import definition_report

    return definition_report(file)


@dataclass(frozen=True)
class RunOptions:
    """What `pipeline run` may be told."""

    root: Path = option(Path(".kinoloom"), "folder of everything: state, contents, s3, runs")
    name: str | None = option(None, "of the pipeline (the file's name, or the one that it makes)")
    set: str = option("", "parameters: NAME=VALUE,NAME=VALUE, or a JSON object")
    resume: str | None = option(None, "go on with this execution instead of starting one")
    parallel: int | None = option(None, "the most steps at once (what the cores allow)", low=1)
    strict: bool = option(False, "as SageMaker does: no cache unless a step asks for it")


@op("pipeline.run")
def run(file: Path, options: RunOptions) -> Report:
    """Run a pipeline definition on this machine: no AWS, no Docker, no network.

    FILE is a definition as `pipeline validate` takes it, or a Python file that makes a Pipeline,
    as SageMaker's users write them: it is run in its own folder. s3://bucket/key is read and
    written at ROOT/s3/bucket/key. What equal steps made before is taken over; each step says why
    it ran. The exit code is 1 when the execution fails; an interrupted or failed one goes on with
    --resume.
    """
    from kinoloom.pipelines.running import run_file

    return run_file(file, options)
