"""The ops of this subject, declared; the work is in the modules that they call."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from kinoloom.base.files import Nothing
from kinoloom.base.op import op
from kinoloom.base.options import option
from kinoloom.base.report import Report

_ROOT = "folder of everything: state, contents, s3, runs"
_SET = "parameters: NAME=VALUE,NAME=VALUE, or a JSON object"
_NAME = "of the pipeline (the file's name, or the one that it makes)"
SESSIONS = "local, ray (begun here), auto, ray://HOST:PORT, HOST:PORT (clusters), sagemaker:ROLE"
_SESSION = f"where the steps run: {SESSIONS}"
_EXECUTION = "its id, or the beginning of it (the latest)"


@dataclass(frozen=True)
class StartOptions:
    """What `pipeline start` may be told."""

    root: Path = option(Path(".kinoloom"), _ROOT)
    session: str = option("local", _SESSION)
    name: str | None = option(None, _NAME)
    set: str = option("", _SET)
    parallel: int | None = option(None, "the most steps at once (what the cores allow)", low=1)
    strict: bool = option(False, "as SageMaker does: no cache unless a step asks for it")


@dataclass(frozen=True)
class ExecutionOptions:
    """What the commands about one execution may be told."""

    root: Path = option(Path(".kinoloom"), _ROOT)
    execution: str | None = option(None, _EXECUTION)


@dataclass(frozen=True)
class ResumeOptions:
    """What `pipeline resume` may be told."""

    root: Path = option(Path(".kinoloom"), _ROOT)
    session: str = option("local", _SESSION)
    execution: str | None = option(None, _EXECUTION)


@dataclass(frozen=True)
class StatusOptions:
    """What `pipeline status` may be told."""

    root: Path = option(Path(".kinoloom"), _ROOT)
    execution: str | None = option(None, "its id, or the beginning of it (a list of all)")
    name: str | None = option(None, "of a pipeline: only its executions")
    last: int = option(20, "how many executions are listed", low=1)


@dataclass(frozen=True)
class LogsOptions:
    """What `pipeline logs` may be told."""

    root: Path = option(Path(".kinoloom"), _ROOT)
    execution: str | None = option(None, _EXECUTION)
    step: str | None = option(None, "only of this step (all)")


@dataclass(frozen=True)
class ExplainOptions:
    """What `pipeline explain` may be told."""

    root: Path = option(Path(".kinoloom"), _ROOT)
    name: str | None = option(None, _NAME)
    set: str = option("", _SET)
    strict: bool = option(False, "as SageMaker does: no cache unless a step asks for it")


@dataclass(frozen=True)
class ExportOptions:
    """What `pipeline export` may be told."""

    root: Path = option(Path(".kinoloom"), _ROOT)
    name: str | None = option(None, _NAME)


@dataclass(frozen=True)
class ModelsOptions:
    """What `pipeline models` may be told."""

    root: Path = option(Path(".kinoloom"), _ROOT)
    model: str | None = option(None, "GROUP:VERSION, or a GROUP (all)")


@dataclass(frozen=True)
class ApproveOptions:
    """What `pipeline approve` may be told."""

    root: Path = option(Path(".kinoloom"), _ROOT)
    model: str = option("", "GROUP:VERSION")
    status: Literal["Approved", "Rejected", "PendingManualApproval"] = option(
        "Approved", "what it becomes"
    )
    reason: str = option("", "for people; kept in the history")


@dataclass(frozen=True)
class AnswerOptions:
    """What `pipeline answer` may be told."""

    root: Path = option(Path(".kinoloom"), _ROOT)
    token: str | None = option(None, "of the question (the open ones are listed)")
    set: str = option("", "the answer: NAME=VALUE,NAME=VALUE, or a JSON object")
    fail: str | None = option(None, "why the step fails, in place of an answer")


@dataclass(frozen=True)
class GcOptions:
    """What `pipeline gc` may be told."""

    root: Path = option(Path(".kinoloom"), _ROOT)
    keep: int = option(10, "how many executions of each pipeline stay, the latest", low=0)
    dry_run: bool = option(False, "only say what would be removed")


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

    root: Path = option(Path(".kinoloom"), _ROOT)
    session: str = option("local", _SESSION)
    name: str | None = option(None, _NAME)
    set: str = option("", _SET)
    resume: str | None = option(None, "go on with this execution instead of starting one")
    parallel: int | None = option(None, "the most steps at once (what the cores allow)", low=1)
    strict: bool = option(False, "as SageMaker does: no cache unless a step asks for it")


@op("pipeline.run")
def run(file: Path, options: RunOptions) -> Report:
    """Run a pipeline definition: here without AWS, Docker or network, or where --session says.

    FILE is a definition as `pipeline validate` takes it, or a Python file that makes a Pipeline,
    as SageMaker's users write them: it is run in its own folder. s3://bucket/key is read and
    written at ROOT/s3/bucket/key. What equal steps made before is taken over; each step says why
    it ran. The exit code is 1 when the execution fails; an interrupted or failed one goes on with
    --resume.
    """
    from kinoloom.pipelines.running import run_file

    return run_file(file, options)


@op("pipeline.start")
def start(file: Path, options: StartOptions) -> Report:
    """Start an execution in the background and come back at once.

    FILE is as `pipeline run` takes it. A process of its own carries the execution out; see it with
    `pipeline status`, end it with `pipeline stop`.
    """
    from kinoloom.pipelines.commands import start_report

    return start_report(file, options)


@op("pipeline.resume")
def resume(nothing: Nothing, options: ResumeOptions) -> Report:
    """Go on with an execution that was interrupted or has failed; what succeeded stays."""
    from kinoloom.pipelines.commands import resume_report

    return resume_report(options)


@op("pipeline.stop")
def stop(nothing: Nothing, options: ExecutionOptions) -> Report:
    """Stop an execution, whichever process is running it: what runs is ended."""
    from kinoloom.pipelines.commands import stop_report

    return stop_report(options)


@op("pipeline.status")
def status(nothing: Nothing, options: StatusOptions) -> Report:
    """The latest executions, or the steps of one."""
    from kinoloom.pipelines.commands import status_report

    return status_report(options)


@op("pipeline.logs")
def logs(nothing: Nothing, options: LogsOptions) -> Report:
    """What the steps of an execution have written."""
    from kinoloom.pipelines.commands import logs_report

    return logs_report(options)


@op("pipeline.show")
def show(nothing: Nothing, options: ExecutionOptions) -> Report:
    """All about an execution; with -o report.html as one page with its graph and times.

    The page needs nothing beside itself: graph, times, parameters, metrics, pictures among the
    outputs, lineage by content, logs.
    """
    from kinoloom.pipelines.commands import show_report

    return show_report(options)


@op("pipeline.explain")
def explain(file: Path, options: ExplainOptions) -> Report:
    """Why each step would run, or be taken over, if the pipeline of FILE were started now.

    Nothing is run. The first thing that differs from a step's last success is named.
    """
    from kinoloom.pipelines.commands import explain_report

    return explain_report(file, options)


@op("pipeline.export")
def export(file: Path, options: ExportOptions) -> Report:
    """Write the definition (version 2020-12-01) that a Python file makes: -o definition.json."""
    from kinoloom.pipelines.commands import export_report

    return export_report(file, options)


@op("pipeline.models")
def models(nothing: Nothing, options: ModelsOptions) -> Report:
    """The registered models, or all about one: its metrics and the history of its approval."""
    from kinoloom.pipelines.commands import models_report

    return models_report(options)


@op("pipeline.approve")
def approve(nothing: Nothing, options: ApproveOptions) -> Report:
    """Approve or reject a version of a registered model."""
    from kinoloom.pipelines.commands import approve_report

    return approve_report(options)


@op("pipeline.answer")
def answer(nothing: Nothing, options: AnswerOptions) -> Report:
    """Answer the question of a Callback step, or list the questions that are open."""
    from kinoloom.pipelines.commands import answer_report

    return answer_report(options)


@op("pipeline.gc")
def gc(nothing: Nothing, options: GcOptions) -> Report:
    """Remove old executions, with their logs and outputs, and contents that nobody refers to.

    Executions that registered a model, or whose outputs later ones took over, stay.
    """
    from kinoloom.pipelines.commands import gc_report

    return gc_report(options)
