"""Running a definition file on this machine, and the report about it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from kinoloom.base.provenance import Provenance
from kinoloom.base.report import Report, Text
from kinoloom.errors import ExecutionError, UsageError
from kinoloom.pipelines.language import Checked, load_file, load_text
from kinoloom.pipelines.language.model import Definition
from kinoloom.pipelines.live import watched
from kinoloom.pipelines.loading import load_pipeline, root_of, standing_in
from kinoloom.pipelines.options import RunOptions
from kinoloom.pipelines.pages.execution import data_of, steps_table
from kinoloom.pipelines.protocols import Execution, Session
from kinoloom.pipelines.sessions import local_session_of, session_of

_WORDS = {"true": True, "false": False}


def run_file(file: Path, options: RunOptions) -> Report:
    """Run the definition in a file to its end, or go on with an execution of it.

    Raises:
        InputNotFoundError, UnreadableMediaError, DefinitionError: as `load_file`.
        UsageError: a parameter is unknown, missing or not of its type.
        ExecutionError: the execution failed; the message has its id and the reason.
    """
    if options.resume is not None:
        session = local_session_of(options.session, options.root, strict=options.strict)
        execution: Execution = session.resume(options.resume)
    else:
        execution = start_file(
            session_of(options.session, options.root, strict=options.strict), file, options
        )
    attend(execution)
    record = Provenance(op="pipeline.run", options={}, inputs=(file,))
    return replace(execution_summary(execution), provenance=record)


def attend(execution: Execution) -> None:
    """Wait for an execution's end, with a live table on a terminal; an interrupt stops it.

    Raises:
        ExecutionError: it failed; the message has its id and the reason.
    """
    try:
        with watched(execution):
            execution.wait()
    except KeyboardInterrupt:
        execution.stop()
        execution.join()
        raise
    except ExecutionError as error:
        ended = error.message.endswith((".", "\n"))  # the words may be a Fail step's own
        raise ExecutionError(
            error.message if ended else f"{error.message}.",
            hint=f"Once mended, go on with --resume {execution.id}.",
        ) from error


def execution_summary(execution: Execution) -> Report:
    """An execution and its steps, without their logs."""
    data = data_of(execution)
    sections = (
        Text(f"Execution {execution.id}: {execution.status}."),
        steps_table(execution.list_steps()),
    )
    return Report(f"Pipeline {data['pipeline']}", sections, data)


def start_file(session: Session, file: Path, options: RunOptions) -> Execution:
    """Put the pipeline of a file and start an execution of it.

    Raises:
        KinoloomError: as `run_file`, and as `loading.load_pipeline` for a Python file.
    """
    name, given = put_file(session, file, options.name, options.set)
    return session.start(name, given, max_parallel=options.parallel or 0)


def put_file(
    session: Session, file: Path, name: str | None, values: str
) -> tuple[str, dict[str, Any]]:
    """Put the pipeline of a file; its name, and the parameters that the text gives.

    Raises:
        KinoloomError: as `run_file`, and as `loading.load_pipeline` for a Python file.
    """
    name, checked = read_file(session, file, name)
    given = parse_parameters(values, checked.definition)
    session.put_pipeline(name, json.dumps(checked.definition.to_json()))
    return name, given


def read_file(session: Session, file: Path, name: str | None) -> tuple[str, Checked]:
    """The name and the definition of the pipeline in a file; a Python file's code is uploaded.

    Raises:
        KinoloomError: as `put_file`.
    """
    if file.suffix != ".py":
        usual = re.sub(r"[^A-Za-z0-9]+", "-", file.stem).strip("-") or "pipeline"
        return name or usual, load_file(file)
    pipeline = load_pipeline(file, name, session)
    with standing_in(file.resolve().parent, root_of(session)):
        return pipeline.name, load_text(pipeline.definition())


def parse_parameters(text: str, definition: Definition) -> dict[str, Any]:
    """Values of a definition's parameters; see `parse_values`.

    Raises:
        UsageError: as `parse_values`.
    """
    return parse_values(text, {one.name: one.type for one in definition.parameters})


def parse_values(text: str, types: Mapping[str, str]) -> dict[str, Any]:
    """Values from "NAME=VALUE,NAME=VALUE" or a JSON object.

    Args:
        text: as given.
        types: "String", "Integer", "Float" or "Boolean", by name; others are text.

    Raises:
        UsageError: neither of the two, or a value that is not of its parameter's type.
    """
    if text.lstrip().startswith("{"):
        try:
            given = json.loads(text)
        except json.JSONDecodeError as error:
            raise UsageError(f"--set is not JSON: {error}.") from error
        return dict(given)
    values = {}
    for pair in filter(None, (part.strip() for part in text.split(","))):
        name, equals, value = pair.partition("=")
        if not equals:
            raise UsageError(f"--set takes NAME=VALUE, not '{pair}'.")
        values[name.strip()] = _typed(value, types.get(name.strip(), "String"))
    return values


def _typed(text: str, kind: str) -> Any:
    """A value as its parameter's type has it; what does not fit stays text, to be refused."""
    try:
        if kind == "Integer":
            return int(text)
        if kind == "Float":
            return float(text)
    except ValueError:
        return text
    return _WORDS.get(text.lower(), text) if kind == "Boolean" else text
