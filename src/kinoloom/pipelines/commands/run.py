"""Running the pipeline of a file: `pipeline run`, `start`, `explain` and `export`."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from kinoloom.base.provenance import Provenance
from kinoloom.base.report import Report, Table, Text
from kinoloom.errors import ExecutionError
from kinoloom.pipelines.commands.values import parse_parameters
from kinoloom.pipelines.language import Checked, load_file, load_text
from kinoloom.pipelines.loading import load_pipeline, working_in, workspace_root
from kinoloom.pipelines.local.session import LocalSession
from kinoloom.pipelines.options import ExplainOptions, ExportOptions, RunOptions, StartOptions
from kinoloom.pipelines.protocols import Execution, Session
from kinoloom.pipelines.reports.execution import execution_data, steps_table
from kinoloom.pipelines.reports.live import live_table
from kinoloom.pipelines.sessions import open_local_session, open_session

_DRIVER = (
    "import pathlib, sys; from kinoloom.pipelines.sessions import open_local_session; "
    "name, root, mode, execution = sys.argv[1:]; "
    "session = open_local_session(name, pathlib.Path(root), strict=mode == 'strict'); "
    "session.resume(execution).join()"
)


def run_file(file: Path, options: RunOptions) -> Report:
    """Run the pipeline of a file, or resume an execution, and wait for its end.

    Raises:
        InputNotFoundError, UnreadableMediaError, DefinitionError: See `load_file`.
        UsageError: A parameter is unknown, missing or of the wrong type.
        ExecutionError: The execution failed; the message has its id and the reason.
    """
    if options.resume is not None:
        session = open_local_session(options.session, options.root, strict=options.strict)
        execution: Execution = resume_file(session, file, options.resume)
    else:
        execution = start_file(
            open_session(options.session, options.root, strict=options.strict), file, options
        )
    record = Provenance(op="pipeline.run", options={}, inputs=(file,))
    record.key  # noqa: B018  hashes the file now: it may be edited while the pipeline runs
    wait_for(execution)
    return replace(execution_summary(execution), provenance=record)


def start_report(file: Path, options: StartOptions) -> Report:
    """Start an execution in a process of its own.

    Raises:
        KinoloomError: See `put_file` and `sessions.open_local_session`.
    """
    session = open_local_session(options.session, options.root, strict=options.strict)
    name, parameters = put_file(session, file, options.name, options.set)
    execution = session.prepare(name, parameters, max_parallel=options.parallel or 0)
    folder = session.workspace.run_folder(execution)
    folder.mkdir(parents=True, exist_ok=True)
    mode = "strict" if options.strict else "default"
    with (folder / "engine.log").open("ab") as log:
        driver = subprocess.Popen(
            [sys.executable, "-c", _DRIVER, options.session, str(session.root), mode, execution],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    driver.returncode = 0  # it outlives this process, which does not wait for it
    text = f"Started execution {execution} in the background."
    return Report(f"Pipeline {name}", (Text(text),), {"pipeline": name, "execution": execution})


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
    name, checked = read_file(session, file, options.name)
    text = f"{len(checked.graph.order)} steps; -o NAME.json or --json writes the definition."
    return Report(f"Pipeline {name}", (Text(text),), checked.definition.to_json())


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


def start_file(session: Session, file: Path, options: RunOptions) -> Execution:
    """Store the pipeline of a file and start an execution of it.

    Raises:
        KinoloomError: See `put_file`.
    """
    name, parameters = put_file(session, file, options.name, options.set)
    return session.start(name, parameters, max_parallel=options.parallel or 0)


def resume_file(session: LocalSession, file: Path, execution: str) -> Execution:
    """Compile the pipeline of a file again and resume an execution of it.

    Finished steps run again only if they, or the steps that they need, have changed.

    Raises:
        KinoloomError: See `read_file` and `LocalSession.resume`.
    """
    row = session.workspace.execution_row(execution)
    if row["status"] == "Succeeded":
        return session.resume(execution)
    name, checked = read_file(session, file, row["pipeline"])
    definition = json.dumps(checked.definition.to_json())
    resumed = session.resume(execution, definition)
    session.put_pipeline(name, definition)
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
    name, checked = read_file(session, file, name)
    parameters = parse_parameters(values, checked.definition)
    session.put_pipeline(name, json.dumps(checked.definition.to_json()))
    return name, parameters


def read_file(session: Session, file: Path, name: str | None) -> tuple[str, Checked]:
    """Return the name and definition of the pipeline of a file; a Python file's code is uploaded.

    Raises:
        KinoloomError: See `load_file`, and `loading.load_pipeline` for a Python file.
    """
    if file.suffix != ".py":
        default = re.sub(r"[^A-Za-z0-9]+", "-", file.stem).strip("-") or "pipeline"
        return name or default, load_file(file)
    pipeline = load_pipeline(file, name, session)
    with working_in(file.resolve().parent, workspace_root(session)):
        return pipeline.name, load_text(pipeline.definition())
