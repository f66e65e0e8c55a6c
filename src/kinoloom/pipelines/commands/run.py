"""Running the pipeline of a file: `pipeline run`, `start`, `explain` and `export`."""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from kinoloom.base.notes import logger
from kinoloom.base.provenance import Provenance
from kinoloom.base.report import Report, Table, Text
from kinoloom.base.signals import end_in_order
from kinoloom.errors import ExecutionError
from kinoloom.pipelines.commands.values import parse_parameters
from kinoloom.pipelines.language import load_file, load_text
from kinoloom.pipelines.loading import Loaded, load_pipeline
from kinoloom.pipelines.local.session import LocalSession
from kinoloom.pipelines.options import ExplainOptions, ExportOptions, RunOptions, StartOptions
from kinoloom.pipelines.protocols import Execution, Session
from kinoloom.pipelines.reports.execution import execution_data, steps_table
from kinoloom.pipelines.reports.live import live_table
from kinoloom.pipelines.sessions import open_local_session, open_session

_DRIVER = (
    "import pathlib, sys; from kinoloom.pipelines.sessions import open_local_session; "
    "name, root, mode, limit, execution = sys.argv[1:]; "
    "session = open_local_session(name, pathlib.Path(root), strict=mode == 'strict', "
    "log_limit_bytes=int(limit)); "
    "session.resume(execution).join()"
)


def run_file(file: Path, options: RunOptions) -> Report:
    """Run the pipeline of a file, or resume an execution, and wait for its end.

    Raises:
        InputNotFoundError, UnreadableMediaError, DefinitionError: See `load_file`.
        UsageError: A parameter is unknown, missing or of the wrong type.
        ExecutionError: The execution failed; the message has its id and the reason.
    """
    record = Provenance(op="pipeline.run", options={}, inputs=(file,))
    if file.is_file():
        record.key  # noqa: B018  hashes the file now: it may be edited while the pipeline runs
    if options.resume is not None:
        local = _open_local_session(options)
        execution: Execution = resume_file(local, file, options.resume)
        wait_for(execution)
    else:
        session = open_session(
            options.session, options.root, strict=options.strict,
            log_limit_bytes=options.log_limit,
        )  # fmt: skip
        execution = run_to_end(session, file, options)
    return replace(execution_summary(execution), provenance=record)


def start_report(file: Path, options: StartOptions) -> Report:
    """Start an execution in a process of its own.

    Raises:
        KinoloomError: See `put_file` and `sessions.open_local_session`.
    """
    session = _open_local_session(options)
    name, parameters = put_file(session, file, options.name, options.set)
    execution = session.prepare(name, parameters, max_parallel=options.parallel or 0)
    folder = session.workspace.run_folder(execution)
    folder.mkdir(parents=True, exist_ok=True)
    mode = "strict" if options.strict else "default"
    with (folder / "engine.log").open("ab") as log:
        driver = subprocess.Popen(
            [
                sys.executable,
                "-c",
                _DRIVER,
                options.session,
                str(session.root),
                mode,
                str(options.log_limit),
                execution,
            ],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    driver.returncode = 0  # it outlives this process, which does not wait for it
    text = f"Started execution {execution} in the background."
    return Report(f"Pipeline {name}", (Text(text),), {"pipeline": name, "execution": execution})


def _open_local_session(options: RunOptions | StartOptions) -> LocalSession:
    return open_local_session(
        options.session, options.root, strict=options.strict, log_limit_bytes=options.log_limit
    )


def explain_report(file: Path, options: ExplainOptions) -> Report:
    """Explain what each step would do if the pipeline started now.

    Raises:
        KinoloomError: See `put_file`.
    """
    session = LocalSession(options.root, strict=options.strict)
    name, parameters = put_file(session, file, options.name, options.set)
    explanations = session.explain(name, parameters)
    table = Table(("step", "if started now"), tuple(explanations.items()))
    return Report(f"Pipeline {name}", (table,), {"pipeline": name, "steps": explanations})


def export_report(file: Path, options: ExportOptions) -> Report:
    """Return the definition of the pipeline of a file.

    Raises:
        KinoloomError: See `read_file`.
    """
    session = LocalSession(options.root)
    pipeline = read_pipeline(session, file, options.name)
    checked = load_text(pipeline.definition)
    text = f"{len(checked.graph.order)} steps; -o NAME.json or --json writes the definition."
    return Report(f"Pipeline {pipeline.name}", (Text(text),), checked.definition.to_json())


@end_in_order()
def wait_for(execution: Execution) -> None:
    """Wait for an execution's end, with a live table on a terminal; an interrupt stops it.

    Raises:
        ExecutionError: The execution failed; the message has its id and the reason.
    """
    try:
        with live_table(execution):
            execution.wait()
    except KeyboardInterrupt:
        execution.stop()
        execution.join()
        logger.info("Execution %s was stopped; --resume %s resumes it.", execution.id, execution.id)
        raise
    except ExecutionError as error:
        is_sentence = error.message.endswith((".", "\n"))  # not every Fail step's message is one
        raise ExecutionError(
            error.message if is_sentence else f"{error.message}.",
            hint="When the cause is fixed, call `pipeline run FILE` again and resume with "
            f"--resume {execution.id}.",
        ) from error


def execution_summary(execution: Execution) -> Report:
    """Report on an execution and its steps, without logs."""
    data = execution_data(execution)
    sections = (
        Text(f"Execution {execution.id}: {execution.status}."),
        steps_table(execution.list_steps()),
    )
    return Report(f"Pipeline {data['pipeline']}", sections, data)


@end_in_order()
def run_to_end(session: Session, file: Path, options: RunOptions) -> Execution:
    """Run the pipeline of a file, or the file that starts its pipelines itself, to the end.

    A pipeline that the file starts gets the values of `--set` in addition to the file's own. The
    file itself runs to its end too.

    Returns:
        The execution, the last one if there are several.

    Raises:
        KinoloomError: See `put_file` and `wait_for`.
    """
    executions: list[Execution] = []

    with contextlib.ExitStack() as live:

        def start(pipeline: Loaded) -> Execution:
            checked = load_text(pipeline.definition)
            values = {**pipeline.parameters, **parse_parameters(options.set, checked.definition)}
            more = dict(pipeline.more)
            if options.parallel is not None:
                more["max_parallel"] = options.parallel
            executions.append(session.start(pipeline.name, values, **more))
            live.enter_context(live_table(executions[-1]))
            return executions[-1]

        try:
            loaded = read_file(session, file, options.name, start)
        except (ExecutionError, KeyboardInterrupt):
            for execution in executions:  # the file waited for one that failed or was interrupted
                wait_for(execution)
            raise
    if loaded is not None:
        session.put_pipeline(loaded.name, loaded.definition)
        start(loaded)
    for execution in executions:
        wait_for(execution)
    return executions[-1]


def resume_file(session: LocalSession, file: Path, execution: str) -> Execution:
    """Compile the pipeline of a file again and resume an execution of it.

    Finished steps run again only if they, or the steps that they need, have changed.

    Raises:
        KinoloomError: See `read_file` and `LocalSession.resume`.
    """
    row = session.workspace.execution_row(execution)
    if row["status"] == "Succeeded":
        return session.resume(execution)
    pipeline = read_pipeline(session, file, row["pipeline"])
    resumed = session.resume(execution, pipeline.definition)
    session.put_pipeline(pipeline.name, pipeline.definition)
    return resumed


def put_file(
    session: Session, file: Path, name: str | None, values: str
) -> tuple[str, dict[str, Any]]:
    """Store the pipeline of a file; return its name and the parameters' values.

    Args:
        session: The session that stores it.
        file: A JSON definition or a Python file.
        name: The pipeline's name; None takes it from the file.
        values: The text of `--set`.

    Raises:
        KinoloomError: See `read_file`; or a value is invalid.
    """
    pipeline = read_pipeline(session, file, name)
    given = parse_parameters(values, load_text(pipeline.definition).definition)
    session.put_pipeline(pipeline.name, pipeline.definition)
    return pipeline.name, {**pipeline.parameters, **given}


def read_pipeline(session: Session, file: Path, name: str | None) -> Loaded:
    """Return the pipeline of a file, which ends where it starts the pipeline itself.

    Raises:
        KinoloomError: See `read_file`.
    """
    pipeline = read_file(session, file, name, None)
    assert pipeline is not None  # nothing has started it
    return pipeline


def read_file(
    session: Session,
    file: Path,
    name: str | None,
    start: Callable[[Loaded], Execution] | None,
) -> Loaded | None:
    """Return the pipeline of a file; a Python file's code is uploaded.

    Args:
        session, file, name: See `put_file`.
        start: See `loading.load_pipeline`.

    Returns:
        The pipeline; None if the file has started it through `start`.

    Raises:
        KinoloomError: See `load_file`, and `loading.load_pipeline` for a Python file.
    """
    if file.suffix == ".py":
        return load_pipeline(file, name, session, start)
    default = re.sub(r"[^A-Za-z0-9]+", "-", file.stem).strip("-") or "pipeline"
    return Loaded(name or default, json.dumps(load_file(file).definition.to_json()))
