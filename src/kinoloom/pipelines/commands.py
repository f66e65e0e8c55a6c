"""The commands about executions and models, but for running: what each finds, as a report."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

from kinoloom.base.report import Report, Section, Table, Text
from kinoloom.errors import ExecutionError, UsageError
from kinoloom.pipelines.language import load_text
from kinoloom.pipelines.local.execution import LocalExecution
from kinoloom.pipelines.local.garbage import collect
from kinoloom.pipelines.local.session import LocalSession
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
    StartOptions,
    StatusOptions,
)
from kinoloom.pipelines.pages.execution import execution_report, numbers_in
from kinoloom.pipelines.running import (
    attend,
    execution_summary,
    parse_values,
    put_file,
    read_file,
)
from kinoloom.pipelines.sessions import local_session_of

_DRIVE = (
    "import pathlib, sys; from kinoloom.pipelines.sessions import local_session_of; "
    "kind, root, mode, execution = sys.argv[1:]; "
    "session = local_session_of(kind, pathlib.Path(root), strict=mode == 'strict'); "
    "session.resume(execution).join()"
)


def start_report(file: Path, options: StartOptions) -> Report:
    """Start an execution in a process of its own.

    Raises:
        KinoloomError: as `running.put_file` and `sessions.local_session_of`.
    """
    session = local_session_of(options.session, options.root, strict=options.strict)
    name, given = put_file(session, file, options.name, options.set)
    execution = session.prepare(name, given, max_parallel=options.parallel or 0)
    folder = session.root / "runs" / execution
    folder.mkdir(parents=True, exist_ok=True)
    mode = "strict" if options.strict else "usual"
    with (folder / "engine.log").open("ab") as log:
        driver = subprocess.Popen(
            [sys.executable, "-c", _DRIVE, options.session, str(session.root), mode, execution],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    driver.returncode = 0  # it lives on; nobody here waits for it
    words = f"Execution {execution} has been started in the background."
    return Report(f"Pipeline {name}", (Text(words),), {"pipeline": name, "execution": execution})


def resume_report(options: ResumeOptions) -> Report:
    """Go on with an execution to its end.

    Raises:
        UsageError, ExecutionError: as `opened`, `found` and `running.attend`.
    """
    opened(options.root)
    session = local_session_of(options.session, options.root)
    execution = session.resume(found(session, options.execution).id)
    attend(execution)
    return execution_summary(execution)


def stop_report(options: ExecutionOptions) -> Report:
    """Tell an execution to stop, and wait for its end.

    Raises:
        UsageError, ExecutionError: as `found`; or no process is running it.
    """
    session = opened(options.root)
    execution = found(session, options.execution)
    execution.stop()
    try:
        execution.wait()
    except ExecutionError:
        if execution.status != "Stopped":
            raise
    return execution_summary(execution)


def status_report(options: StatusOptions) -> Report:
    """The latest executions, or the steps of one.

    Raises:
        UsageError: as `found`.
    """
    session = opened(options.root)
    if options.execution is not None:
        return execution_summary(found(session, options.execution))
    rows = session.workspace.state.rows(
        "SELECT * FROM executions WHERE ? IN (pipeline, '') ORDER BY created DESC LIMIT ?",
        options.name or "",
        options.last,
    )
    listed = [
        {
            "execution": row["id"],
            "pipeline": row["pipeline"],
            "status": _status(session, row),
            "begun": row["created"][:19],
            "reason": row["reason"].partition("\n")[0],
        }
        for row in rows
    ]
    columns = ("execution", "pipeline", "status", "begun", "reason")
    table = Table(columns, tuple(tuple(row[c] for c in columns) for row in listed))
    return Report(f"Executions in {options.root}", (table,), {"executions": listed})


def logs_report(options: LogsOptions) -> Report:
    """What steps have written.

    Raises:
        UsageError: as `found`; or no such step has begun.
    """
    session = opened(options.root)
    execution = found(session, options.execution)
    names = [step["StepName"] for step in execution.list_steps()]
    texts = {name: execution.logs(name) for name in ([options.step] if options.step else names)}
    sections = tuple(Text(text, preformatted=True, title=name) for name, text in texts.items())
    return Report(f"Logs of {execution.id}", sections, {"execution": execution.id, "logs": texts})


def show_report(options: ExecutionOptions) -> Report:
    """All about one execution.

    Raises:
        UsageError: as `found`.
    """
    session = opened(options.root)
    return execution_report(session, found(session, options.execution))


def explain_report(file: Path, options: ExplainOptions) -> Report:
    """What each step would do if the pipeline were started now.

    Raises:
        KinoloomError: as `running.put_file`.
    """
    session = LocalSession(options.root, strict=options.strict)
    name, given = put_file(session, file, options.name, options.set)
    told = session.explain(name, given)
    table = Table(("step", "if it were started now"), tuple(told.items()))
    return Report(f"Pipeline {name}", (table,), {"pipeline": name, "steps": told})


def export_report(file: Path, options: ExportOptions) -> Report:
    """The definition of the pipeline in a file.

    Raises:
        KinoloomError: as `running.read_file`.
    """
    session = LocalSession(options.root)
    name, checked = read_file(session, file, options.name)
    definition = checked.definition.to_json()
    words = f"The definition has {len(checked.graph.order)} steps; -o NAME.json or --json gives it."
    return Report(f"Pipeline {name}", (Text(words),), definition)


def models_report(options: ModelsOptions) -> Report:
    """The registered models, those of a group, or all about one.

    Raises:
        UsageError: there is no such version, or what was given is not GROUP:VERSION.
    """
    session = opened(options.root)
    if options.model is not None and ":" in options.model:
        return _model_report(session, *_family_and_version(options.model))
    rows = session.models.packages(options.model or "")
    listed = [
        {
            "model": f"{row['family']}:{row['version']}",
            "approval": row["approval"],
            "execution": row["execution"],
            "made": row["created"][:19],
            "reason": row["approval_reason"],
        }
        for row in rows
    ]
    columns = ("model", "approval", "execution", "made", "reason")
    table = Table(columns, tuple(tuple(row[c] for c in columns) for row in listed))
    return Report(f"Models in {options.root}", (table,), {"models": listed})


def approve_report(options: ApproveOptions) -> Report:
    """Change a model's approval.

    Raises:
        UsageError: there is no such version, or what was given is not GROUP:VERSION.
    """
    session = opened(options.root)
    family, version = _family_and_version(options.model)
    session.models.approve(family, version, options.status, options.reason)
    return _model_report(session, family, version)


def answer_report(options: AnswerOptions) -> Report:
    """Answer a question, or list those that are open.

    Raises:
        UsageError: there is no such question, it has an answer, or the answer is not right.
    """
    session = opened(options.root)
    if options.token is not None and options.fail is not None:
        session.callbacks.refuse(options.token, options.fail)
    elif options.token is not None:
        session.callbacks.answer(options.token, _answer_of(session, options.token, options.set))
    rows = session.callbacks.open_ones()
    columns = ("token", "execution", "step", "queue", "arguments")
    table = Table(columns, tuple(tuple(str(row[c]) for c in columns) for row in rows))
    data = {"questions": [{c: row[c] for c in columns} for row in rows]}
    return Report("Open questions", (table,), data)


def _answer_of(session: LocalSession, token: str, text: str) -> dict[str, Any]:
    """The answer that a text gives, of the types that the step declares."""
    for row in session.callbacks.open_ones():
        if row["token"] == token:
            checked = load_text(session.execution(row["execution"]).definition)
            step = checked.graph.steps[row["step"]].step
            outputs = step.to_json().get("OutputParameters", [])
            types = {one["OutputName"]: one["OutputType"] for one in outputs}
            return parse_values(text, types)
    raise UsageError(f"There is no open question {token}.")


def gc_report(options: GcOptions) -> Report:
    """Make room.

    Raises:
        ExecutionError: an execution is running.
    """
    freed = collect(opened(options.root).workspace, options.keep, dry=options.dry_run)
    verb = "would be removed" if options.dry_run else "were removed"
    words = (
        f"{len(freed.executions)} executions and {freed.blobs} contents of {freed.bytes} bytes "
        f"{verb}."
    )
    data = {"executions": list(freed.executions), "blobs": freed.blobs, "bytes": freed.bytes}
    return Report(f"Room in {options.root}", (Text(words),), data)


def opened(root: Path) -> LocalSession:
    """The session of a folder that is there.

    Raises:
        UsageError: no pipeline was ever put there.
    """
    if not (root / "state.db").is_file():
        raise UsageError(f"There are no pipelines in {root}.", hint="Choose another --root.")
    return LocalSession(root)


def found(session: LocalSession, execution: str | None) -> LocalExecution:
    """An execution by its id or the beginning of it; the latest when None.

    Raises:
        UsageError: there is none, or several begin so.
    """
    rows = session.workspace.state.rows(
        "SELECT id FROM executions WHERE substr(id, 1, length(?)) = ? ORDER BY created DESC",
        execution or "",
        execution or "",
    )
    if not rows or (execution and len(rows) > 1):
        count = "Several executions begin" if rows else "No execution begins"
        raise UsageError(f"{count} with '{execution or ''}'.", hint="`pipeline status` lists them.")
    return session.execution(rows[0]["id"])


def _status(session: LocalSession, row: dict[str, Any]) -> str:
    if row["status"] in ("Executing", "Stopping") and not session.workspace.is_running(row["id"]):
        return "Interrupted"
    return str(row["status"])


def _family_and_version(text: str) -> tuple[str, int]:
    family, colon, version = text.rpartition(":")
    if not colon or not version.isdecimal():
        raise UsageError(f"A model is named GROUP:VERSION, such as Faces:3, not '{text}'.")
    return family, int(version)


def _model_report(session: LocalSession, family: str, version: int) -> Report:
    row = session.models.package(family, version)
    history = session.models.history(family, version)
    sections: list[Section] = [
        Text(f"{family}:{version} of execution {row['execution']} is {row['approval']}."),
        Table(
            ("moment", "status", "reason"),
            tuple((line["moment"][:19], line["status"], line["reason"]) for line in history),
            "Approval",
        ),
        Table(("archive", "SHA-256"), tuple(row["digests"].items()), "Archives"),
    ]
    if row["metrics"]:
        rows = tuple(numbers_in(row["metrics"]))
        sections.append(Table(("metric", "value"), rows, "Metrics"))
    data = {**row, "history": history}
    return Report(f"Model {family}:{version}", tuple(sections), data)
