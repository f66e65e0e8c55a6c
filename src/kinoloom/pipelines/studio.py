"""The pipelines page of the studio: executions, their steps, and the model registry."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from kinoloom.base.options import option
from kinoloom.base.page import Blob, Context, Page, call, feed
from kinoloom.errors import UsageError

if TYPE_CHECKING:
    from kinoloom.pipelines.local.execution import LocalExecution
    from kinoloom.pipelines.local.session import LocalSession

_HERE = "kinoloom.pipelines.studio"
_CALLS = (
    "executions", "execution", "step", "log", "image", "metrics",
    "stop", "callbacks", "answer", "models", "approve",
)  # fmt: skip
_POLL_S = 0.25
_RECHECK_S = 2.0
"""For what changes outside the database: an engine that was killed."""
_WORKSPACE = ".kinoloom"
_MAX_LOG_BYTES = 200_000

PAGE = Page(
    name="pipelines",
    title="Pipelines",
    icon="pipelines",
    summary="Executions, their steps and models",
    module="kinoloom.pipelines:studio/pipelines.js",
    opens=(".py",),
    calls={name: f"{_HERE}:{name}" for name in _CALLS},
    feeds={"latest": f"{_HERE}:latest", "steps": f"{_HERE}:steps"},
    extra="pipelines",
    order=60,
)


@dataclass(frozen=True)
class ListOptions:
    """Which executions are listed."""

    pipeline: str = option("", "Only executions of this pipeline")
    before: str = option("", "Only executions created before this time")
    limit: int = option(50, "Maximum number", low=1, high=200)


@dataclass(frozen=True)
class ExecutionOptions:
    """One execution."""

    execution: str = option("", "ID of the execution")


@dataclass(frozen=True)
class StepOptions(ExecutionOptions):
    """One step of an execution."""

    step: str = option("", "Name of the step")


@dataclass(frozen=True)
class LogOptions(StepOptions):
    """A part of a step's log."""

    after: int = option(0, "Offset in bytes from which the log is read", low=0)


@dataclass(frozen=True)
class ImageOptions(ExecutionOptions):
    """One image among the outputs of an execution."""

    index: int = option(0, "Its number in the list", low=0)


@dataclass(frozen=True)
class PipelineOptions:
    """One pipeline."""

    pipeline: str = option("", "Name of the pipeline")


@dataclass(frozen=True)
class AnswerOptions:
    """The answer to a Callback step."""

    token: str = option("", "Token of the callback")
    outputs: str = option("{}", "Outputs, a JSON object")
    fail: str = option("", "Reason for which the step fails; empty to answer it")


@dataclass(frozen=True)
class ApproveOptions:
    """The approval of a model version."""

    family: str = option("", "Model group")
    version: int = option(1, "Version", low=1)
    status: Literal["Approved", "Rejected", "PendingManualApproval"] = option(
        "Approved", "New approval status"
    )
    reason: str = option("", "Reason, kept in the history")


@dataclass(frozen=True)
class NoChoices:
    """The options of a call without any."""


@call(cost="io")
def executions(context: Context, options: ListOptions) -> Mapping[str, Any]:
    """Return the latest executions, and the pipelines that they belong to."""
    from kinoloom.pipelines.views.executions import list_executions, list_pipelines

    session = _find_session(context)
    if session is None:
        return {"executions": [], "pipelines": []}
    found = list_executions(
        session, pipeline=options.pipeline, before=options.before, limit=options.limit
    )
    return {"executions": found, "pipelines": list_pipelines(session)}


@call(cost="io")
def execution(context: Context, options: ExecutionOptions) -> Mapping[str, Any]:
    """Return one execution in full."""
    from kinoloom.pipelines.views.executions import describe_execution

    return describe_execution(_session(context), _execution(context, options.execution))


@call(cost="io")
def step(context: Context, options: StepOptions) -> Mapping[str, Any]:
    """Return what a step read and wrote, and the steps on either side of it."""
    from kinoloom.pipelines.views.executions import describe_step

    return describe_step(_execution(context, options.execution), options.step)


@call(cost="io")
def log(context: Context, options: LogOptions) -> Mapping[str, Any]:
    """Return the next part of a step's log and the offset behind it."""
    data = _execution(context, options.execution).logs(options.step).encode()
    part = data[options.after : options.after + _MAX_LOG_BYTES]
    return {"text": part.decode(errors="replace"), "next": options.after + len(part)}


@call(cost="io")
def image(context: Context, options: ImageOptions) -> Blob:
    """Return an image among the outputs of the steps.

    Raises:
        UsageError: there is no such image.
    """
    from kinoloom.pipelines.reports.execution import list_images

    found = list_images(_execution(context, options.execution))
    if options.index >= len(found):
        raise UsageError(f"The execution has no image {options.index}.")
    one = found[options.index]
    return Blob(one.file.read_bytes(), one.media_type)


@call(cost="io")
def metrics(context: Context, options: PipelineOptions) -> list[dict[str, Any]]:
    """Return the metrics of the latest executions of a pipeline, oldest first."""
    from kinoloom.pipelines.views.executions import collect_metrics

    return collect_metrics(_session(context), options.pipeline)


@call(cost="io", role="editor")
def stop(context: Context, options: ExecutionOptions) -> Mapping[str, Any]:
    """Stop an execution and its running steps."""
    found = _execution(context, options.execution)
    found.stop()
    return {"status": found.status}


@call(cost="io")
def callbacks(context: Context, options: NoChoices) -> list[dict[str, Any]]:
    """Return the Callback steps that wait for an answer."""
    session = _find_session(context)
    return [] if session is None else session.callbacks.list_open()


@call(cost="io", role="operator")
def answer(context: Context, options: AnswerOptions) -> Mapping[str, Any]:
    """Answer a Callback step, or fail it.

    Raises:
        UsageError: the outputs are not a JSON object, or no such callback waits.
    """
    found = _session(context).callbacks
    if options.fail:
        found.fail(options.token, f"{options.fail} ({context.person.name})")
        return {"answered": options.token}
    try:
        outputs = json.loads(options.outputs or "{}")
    except ValueError as error:
        raise UsageError(f"The outputs are not JSON: {error}.") from error
    if not isinstance(outputs, dict):
        raise UsageError("The outputs must be a JSON object.", hint='Example: {"ok": true}')
    found.answer(options.token, outputs)
    return {"answered": options.token}


@call(cost="io")
def models(context: Context, options: NoChoices) -> list[dict[str, Any]]:
    """Return the registered model versions with their metrics and the history of approvals."""
    from kinoloom.pipelines.reports.execution import iter_numbers

    session = _find_session(context)
    if session is None:
        return []
    return [
        {
            **{key: row[key] for key in ("family", "version", "execution", "step", "created")},
            "approval": row["approval"],
            "reason": row["approval_reason"],
            "metrics": [list(pair) for pair in iter_numbers(row["metrics"])],
            "history": session.models.list_approvals(row["family"], row["version"]),
        }
        for row in session.models.list_packages()
    ]


@call(cost="io", role="operator")
def approve(context: Context, options: ApproveOptions) -> Mapping[str, Any]:
    """Approve or reject a model version."""
    reason = f"{options.reason} ({context.person.name})".strip()
    session = _session(context)
    session.models.approve(options.family, options.version, options.status, reason)
    return {"approval": options.status}


@feed()
def latest(context: Context, options: ListOptions) -> Iterator[Mapping[str, Any]]:
    """Yield the latest executions whenever one of them has changed."""
    yield from _changes(lambda: executions.function(context, options), context)


@feed()
def steps(context: Context, options: ExecutionOptions) -> Iterator[Mapping[str, Any]]:
    """Yield the state of an execution and its steps whenever one of them has changed."""
    from kinoloom.pipelines.commands.executions import execution_status
    from kinoloom.pipelines.views.executions import describe_steps

    def read() -> Mapping[str, Any]:
        session = _session(context)
        row = session.workspace.execution_row(options.execution)
        status = execution_status(session, row)
        found = describe_steps(session.execution(options.execution))
        return {"status": status, "reason": row["reason"], "steps": found}

    yield from _changes(read, context)


def _changes(read: Any, context: Context) -> Iterator[Mapping[str, Any]]:
    """Yield what is read when it has changed; it is read again when the database has changed."""
    before: Mapping[str, Any] | None = None
    stamp: object = None
    due_s = 0.0
    while not context.cancelled():
        found = _stamp_database(context.folder / _WORKSPACE)
        if found != stamp or time.monotonic() >= due_s:
            stamp, due_s = found, time.monotonic() + _RECHECK_S
            now = read()
            if now != before:
                yield now
                before = now
        time.sleep(_POLL_S)


def _stamp_database(root: Path) -> list[tuple[int, int] | None]:
    """Return the times and sizes of the files that each change of the state writes to."""
    stamps: list[tuple[int, int] | None] = []
    for name in ("state.db", "state.db-wal"):
        try:
            found = (root / name).stat()
        except FileNotFoundError:
            stamps.append(None)
        else:
            stamps.append((found.st_mtime_ns, found.st_size))
    return stamps


def _find_session(context: Context) -> LocalSession | None:
    """Return the session of the folder, or None where no pipeline has run yet."""
    root = context.folder / _WORKSPACE
    return _open(root) if (root / "state.db").is_file() else None


def _session(context: Context) -> LocalSession:
    session = _find_session(context)
    if session is None:
        raise UsageError("No pipeline has run in this folder yet.")
    return session


@lru_cache(maxsize=4)
def _open(root: Path) -> LocalSession:
    from kinoloom.pipelines.local.session import LocalSession

    return LocalSession(root)


def _execution(context: Context, name: str) -> LocalExecution:
    return _session(context).execution(name)
