"""Running a definition file on this machine, and the report about it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kinoloom.base.provenance import Provenance
from kinoloom.base.report import Report, Table, Text
from kinoloom.errors import ExecutionError, UsageError
from kinoloom.pipelines.language import load_file, load_text
from kinoloom.pipelines.language.model import Definition
from kinoloom.pipelines.loading import load_pipeline, standing_in
from kinoloom.pipelines.local.execution import Execution
from kinoloom.pipelines.local.session import LocalSession
from kinoloom.pipelines.ops import RunOptions

SCHEMA = "kinoloom.pipeline.run/1"
_WORDS = {"true": True, "false": False}


def run_file(file: Path, options: RunOptions) -> Report:
    """Run the definition in a file to its end, or go on with an execution of it.

    Raises:
        InputNotFoundError, UnreadableMediaError, DefinitionError: as `load_file`.
        UsageError: a parameter is unknown, missing or not of its type.
        ExecutionError: the execution failed; the message has its id and the reason.
    """
    session = LocalSession(options.root, strict=options.strict)
    if options.resume is not None:
        execution = session.resume(options.resume)
    else:
        execution = start_file(session, file, options)
    try:
        execution.wait()
    except KeyboardInterrupt:
        execution.stop()
        execution.join()
        raise
    except ExecutionError as error:
        raise ExecutionError(
            error.message, hint=f"Once mended, go on with --resume {execution.id}."
        ) from error
    return _report(file, execution)


def start_file(session: LocalSession, file: Path, options: RunOptions) -> Execution:
    """Put the pipeline of a file and start an execution of it.

    Raises:
        KinoloomError: as `run_file`, and as `loading.load_pipeline` for a Python file.
    """
    if file.suffix == ".py":
        pipeline = load_pipeline(file, options.name, session)
        with standing_in(file.resolve().parent, session.root):
            checked = load_text(pipeline.definition())
        name = pipeline.name
    else:
        checked = load_file(file)
        name = options.name or re.sub(r"[^A-Za-z0-9]+", "-", file.stem).strip("-") or "pipeline"
    given = parse_parameters(options.set, checked.definition)
    session.put_pipeline(name, json.dumps(checked.definition.to_json()))
    return session.start(name, given, max_parallel=options.parallel or 0)


def parse_parameters(text: str, definition: Definition) -> dict[str, Any]:
    """Values of parameters from "NAME=VALUE,NAME=VALUE" or a JSON object.

    Raises:
        UsageError: neither of the two, or a value that is not of its parameter's type.
    """
    if text.lstrip().startswith("{"):
        try:
            given = json.loads(text)
        except json.JSONDecodeError as error:
            raise UsageError(f"--set is not JSON: {error}.") from error
        return dict(given)
    types = {parameter.name: parameter.type for parameter in definition.parameters}
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


def _report(file: Path, execution: Execution) -> Report:
    steps = [_plain(step) for step in execution.list_steps()]
    rows = tuple(
        (step["name"], step["status"], round(step["seconds"], 2), step["attempts"], step["cache"])
        for step in steps
    )
    data = {
        "schema": SCHEMA,
        "file": file.name,
        "execution": execution.id,
        "status": execution.status,
        "steps": steps,
    }
    sections = (
        Text(f"Execution {execution.id}: {execution.status}."),
        Table(("step", "status", "seconds", "attempts", "cache"), rows),
    )
    record = Provenance(op="pipeline.run", options={}, inputs=(file,))
    return Report(f"Pipeline {file.stem}", sections, data, record)


def _plain(step: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": step["StepName"],
        "status": step["StepStatus"],
        "seconds": (step["EndTime"] - step["StartTime"]).total_seconds(),
        "attempts": step["AttemptCount"],
        "cache": step.get("CacheExplanation", ""),
    }
