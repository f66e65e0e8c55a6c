"""Commands on executions: resume, stop, status, logs, show and gc."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kinoloom.base.report import Report, Table, Text
from kinoloom.errors import ExecutionError, UsageError
from kinoloom.pipelines.commands.run import execution_summary, wait_for
from kinoloom.pipelines.local.execution import LocalExecution
from kinoloom.pipelines.local.session import LocalSession
from kinoloom.pipelines.local.storage.garbage import collect_garbage
from kinoloom.pipelines.local.storage.workspace import release_reserve
from kinoloom.pipelines.options import (
    ExecutionOptions,
    GcOptions,
    LogsOptions,
    ResumeOptions,
    StatusOptions,
)
from kinoloom.pipelines.reports.execution import execution_report
from kinoloom.pipelines.sessions import open_local_session


def resume_report(options: ResumeOptions) -> Report:
    """Resume an execution and wait for its end.

    Raises:
        UsageError, ExecutionError: See `open_workspace`, `find_execution` and `run.wait_for`.
    """
    open_workspace(options.root)
    session = open_local_session(options.session, options.root, log_limit_bytes=options.log_limit)
    execution = session.resume(find_execution(session, options.execution).id)
    wait_for(execution)
    return execution_summary(execution)


def stop_report(options: ExecutionOptions) -> Report:
    """Stop an execution and wait for its end.

    Raises:
        UsageError: See `find_execution`.
        ExecutionError: No process is running the execution.
    """
    session = open_workspace(options.root)
    execution = find_execution(session, options.execution)
    execution.stop()
    try:
        execution.wait()
    except ExecutionError:
        if execution.status != "Stopped":
            raise
    return execution_summary(execution)


def status_report(options: StatusOptions) -> Report:
    """List the latest executions, or the steps of one.

    Raises:
        UsageError: See `find_execution`.
    """
    session = open_workspace(options.root)
    if options.execution is not None:
        return execution_summary(find_execution(session, options.execution))
    rows = session.workspace.state.query(
        "SELECT * FROM executions WHERE ? IN (pipeline, '') ORDER BY created DESC LIMIT ?",
        options.name or "",
        options.last,
    )
    executions = [
        {
            "execution": row["id"],
            "pipeline": row["pipeline"],
            "status": execution_status(session, row),
            "started": row["created"][:19],
            "reason": row["reason"].partition("\n")[0],
        }
        for row in rows
    ]
    columns = ("execution", "pipeline", "status", "started", "reason")
    table = Table(columns, tuple(tuple(row[c] for c in columns) for row in executions))
    return Report(f"Executions in {options.root}", (table,), {"executions": executions})


def logs_report(options: LogsOptions) -> Report:
    """Print the logs of an execution's steps.

    Raises:
        UsageError: See `find_execution`; or the step has not started.
    """
    session = open_workspace(options.root)
    execution = find_execution(session, options.execution)
    names = [step["StepName"] for step in execution.list_steps()]
    logs = {name: execution.logs(name) for name in ([options.step] if options.step else names)}
    sections = tuple(Text(text, preformatted=True, title=name) for name, text in logs.items())
    return Report(f"Logs of {execution.id}", sections, {"execution": execution.id, "logs": logs})


def show_report(options: ExecutionOptions) -> Report:
    """Report on an execution in full.

    Raises:
        UsageError: See `find_execution`.
    """
    session = open_workspace(options.root)
    return execution_report(find_execution(session, options.execution))


def gc_report(options: GcOptions) -> Report:
    """Remove old executions and unreferenced contents, even if the disk is full.

    Raises:
        UsageError: See `open_workspace`.
        ExecutionError: An execution is running.
    """
    release_reserve(options.root)
    workspace = open_workspace(options.root).workspace
    freed = collect_garbage(workspace, options.keep, dry_run=options.dry_run)
    verb = "Would remove" if options.dry_run else "Removed"
    text = (
        f"{verb} {len(freed.executions)} executions and {freed.blobs} contents of "
        f"{freed.bytes} bytes."
    )
    data = {"executions": list(freed.executions), "blobs": freed.blobs, "bytes": freed.bytes}
    return Report(f"Garbage in {options.root}", (Text(text),), data)


def open_workspace(root: Path) -> LocalSession:
    """Return a session on an existing workspace folder.

    Raises:
        UsageError: The folder is not a workspace.
    """
    if not (root / "state.db").is_file():
        raise UsageError(
            f"{root} is not a workspace: it has no state.db.", hint="Pass another --root."
        )
    return LocalSession(root)


def find_execution(session: LocalSession, execution: str | None) -> LocalExecution:
    """Return an execution by its id or a prefix of it; None means the latest.

    Raises:
        UsageError: No execution, or more than one, matches.
    """
    rows = session.workspace.state.query(
        "SELECT id FROM executions WHERE substr(id, 1, length(?)) = ? ORDER BY created DESC",
        execution or "",
        execution or "",
    )
    if not rows or (execution and len(rows) > 1):
        count = "More than one execution matches" if rows else "No execution matches"
        raise UsageError(f"{count} '{execution or ''}'.", hint="`pipeline status` lists them.")
    return session.execution(rows[0]["id"])


def execution_status(session: LocalSession, row: dict[str, Any]) -> str:
    """Return the status of an execution, by its row; "Interrupted" if no process runs it."""
    if row["status"] in ("Executing", "Stopping") and not session.workspace.is_running(row["id"]):
        return "Interrupted"
    return str(row["status"])
