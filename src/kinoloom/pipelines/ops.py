"""Ops of the pipelines subject; each imports its implementation when it runs."""

from __future__ import annotations

from pathlib import Path

from kinoloom.base.files import Nothing
from kinoloom.base.op import op
from kinoloom.base.report import Report
from kinoloom.pipelines.options import (
    AnswerOptions,
    ApproveOptions,
    ExecutionOptions,
    ExplainOptions,
    ExportOptions,
    GcOptions,
    LogsOptions,
    ModelsOptions,
    ResumeOptions,
    RunOptions,
    StartOptions,
    StatusOptions,
    ValidateOptions,
)


@op("pipeline.validate")
def validate(file: Path, options: ValidateOptions) -> Report:
    """Check a pipeline definition (version 2020-12-01) and list its steps in order.

    FILE is the JSON that Pipeline.definition() of the SageMaker Python SDK returns. Every problem
    is reported with its JSON path: unknown keys, wrong types, unresolved references, dependency
    cycles, and what a local session cannot run. Nothing runs.
    """
    from kinoloom.pipelines.page import definition_report

    return definition_report(file, options)


@op("pipeline.run", reads_first=True)
def run(file: Path, options: RunOptions) -> Report:
    """Run a pipeline on this machine, a Ray cluster or Amazon SageMaker (--session).

    FILE is a JSON definition, or a Python file that builds a Pipeline; the Python file runs in its
    own folder. A file that starts its pipeline itself runs to its end, with one execution for each
    start; --set adds parameters. s3://bucket/key is the file ROOT/s3/bucket/key. A step whose
    inputs have not changed reuses its cached outputs; each step reports why it ran. Ctrl-C stops
    the execution. A failed or stopped execution resumes with --resume: FILE is compiled again, and
    finished steps run again only if they have changed.
    """
    from kinoloom.pipelines.commands.run import run_file

    return run_file(file, options)


@op("pipeline.start", reads_first=True)
def start(file: Path, options: StartOptions) -> Report:
    """Start a pipeline in the background and return at once.

    FILE is a JSON definition, or a Python file that builds a Pipeline. `pipeline status` shows the
    execution, `pipeline stop` stops it.
    """
    from kinoloom.pipelines.commands.run import start_report

    return start_report(file, options)


@op("pipeline.resume")
def resume(nothing: Nothing, options: ResumeOptions) -> Report:
    """Resume a failed or interrupted execution; finished steps do not run again.

    Steps run the code that the execution started with. `pipeline run FILE --resume ID` runs
    changed code.
    """
    from kinoloom.pipelines.commands.executions import resume_report

    return resume_report(options)


@op("pipeline.stop")
def stop(nothing: Nothing, options: ExecutionOptions) -> Report:
    """Stop an execution and its running steps, whichever process started it."""
    from kinoloom.pipelines.commands.executions import stop_report

    return stop_report(options)


@op("pipeline.status")
def status(nothing: Nothing, options: StatusOptions) -> Report:
    """List the latest executions, or the steps of one."""
    from kinoloom.pipelines.commands.executions import status_report

    return status_report(options)


@op("pipeline.logs")
def logs(nothing: Nothing, options: LogsOptions) -> Report:
    """Print the logs of an execution's steps."""
    from kinoloom.pipelines.commands.executions import logs_report

    return logs_report(options)


@op("pipeline.show")
def show(nothing: Nothing, options: ExecutionOptions) -> Report:
    """Report on an execution; -o report.html writes one self-contained page.

    The report has the graph, step times, parameters, metrics, images among the outputs, lineage
    and logs.
    """
    from kinoloom.pipelines.commands.executions import show_report

    return show_report(options)


@op("pipeline.explain")
def explain(file: Path, options: ExplainOptions) -> Report:
    """Explain which steps would run or reuse cached outputs, and why.

    Nothing runs. For each step, the first difference from its last success is reported.
    """
    from kinoloom.pipelines.commands.run import explain_report

    return explain_report(file, options)


@op("pipeline.export")
def export(file: Path, options: ExportOptions) -> Report:
    """Write the JSON definition that a Python file builds: -o definition.json."""
    from kinoloom.pipelines.commands.run import export_report

    return export_report(file, options)


@op("pipeline.models")
def models(nothing: Nothing, options: ModelsOptions) -> Report:
    """List registered models, or show the metrics and approval history of one."""
    from kinoloom.pipelines.commands.models import models_report

    return models_report(options)


@op("pipeline.approve")
def approve(nothing: Nothing, options: ApproveOptions) -> Report:
    """Approve or reject a registered model version."""
    from kinoloom.pipelines.commands.models import approve_report

    return approve_report(options)


@op("pipeline.answer")
def answer(nothing: Nothing, options: AnswerOptions) -> Report:
    """Answer a waiting Callback step, or list the open callbacks."""
    from kinoloom.pipelines.commands.callbacks import answer_report

    return answer_report(options)


@op("pipeline.gc")
def gc(nothing: Nothing, options: GcOptions) -> Report:
    """Remove old executions with their logs and outputs, and unreferenced contents.

    Executions that registered a model, or whose outputs later executions reuse, are kept.
    """
    from kinoloom.pipelines.commands.executions import gc_report

    return gc_report(options)
