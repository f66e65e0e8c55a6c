"""The report about one execution: graph, times, parameters, metrics, pictures, lineage, logs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kinoloom.base.provenance import Provenance
from kinoloom.base.report import Picture, Report, Section, Table, Text
from kinoloom.errors import KinoloomError
from kinoloom.pipelines.language import Graph, load_text
from kinoloom.pipelines.live import seconds_of
from kinoloom.pipelines.local.evaluate import as_text
from kinoloom.pipelines.local.execution import LocalExecution
from kinoloom.pipelines.local.session import LocalSession
from kinoloom.pipelines.pages.dag import graph_picture
from kinoloom.pipelines.pages.gantt import times_picture
from kinoloom.pipelines.pages.svg import fill_of
from kinoloom.pipelines.protocols import Execution

SCHEMA = "kinoloom.pipeline.run/1"
_MEDIA = {".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".webp": "image/webp"}
_MOST_PICTURES, _MOST_PICTURE_BYTES = 12, 2 << 20
_LAST_LINES = 200


def execution_report(session: LocalSession, execution: LocalExecution) -> Report:
    """All that is known of an execution."""
    steps = execution.list_steps()
    told = execution.describe()
    rows = session.workspace.state.steps(execution.id)
    checked = load_text(execution.definition)
    fills = {s["StepName"]: fill_of(s["StepStatus"], s.get("CacheExplanation", "")) for s in steps}
    sections: list[Section] = [
        Text(_summary(execution, told)),
        graph_picture(checked.graph, fills),
        *([times_picture(steps)] if steps else []),
        steps_table(steps),
    ]
    sections += [
        Text(s["FailureReason"], preformatted=True, title=f"Why {s['StepName']} ended")
        for s in steps if "FailureReason" in s
    ]  # fmt: skip
    parameters = tuple((p["Name"], as_text(p["Value"])) for p in execution.list_parameters())
    if parameters:
        sections.append(Table(("parameter", "value"), parameters, "Parameters"))
    sections += _metrics(session, checked.graph, execution)
    sections += _pictures(execution)
    sections += _lineage(rows)
    sections += _logs(execution)
    data = data_of(execution)
    record = Provenance(op="pipeline.show", options={"execution": execution.id})
    return Report(f"Pipeline {checked_name(told)}", tuple(sections), data, record)


def checked_name(told: dict[str, Any]) -> str:
    """The pipeline's name, of what `describe` tells."""
    return str(told["PipelineArn"]).rpartition("/")[2]


def data_of(execution: Execution) -> dict[str, Any]:
    """An execution and its steps as plain values."""
    told = execution.describe()
    return {
        "schema": SCHEMA,
        "pipeline": checked_name(told),
        "execution": execution.id,
        "status": execution.status,
        "reason": told.get("FailureReason", ""),
        "steps": [_plain(step) for step in execution.list_steps()],
    }


def steps_table(steps: list[dict[str, Any]]) -> Table:
    """One row a step that has begun."""
    plain = [_plain(step) for step in steps]
    rows = tuple(
        (step["name"], step["status"], round(step["seconds"], 2), step["attempts"], step["cache"])
        for step in plain
    )
    return Table(("step", "status", "seconds", "attempts", "cache"), rows)


def _plain(step: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": step["StepName"],
        "status": step["StepStatus"],
        "seconds": seconds_of(step),
        "attempts": step.get("AttemptCount", 1),
        "cache": step.get("CacheExplanation", ""),
        "reason": step.get("FailureReason", ""),
    }


def _summary(execution: LocalExecution, told: dict[str, Any]) -> str:
    moment = told["CreationTime"].strftime("%Y-%m-%d %H:%M:%S UTC")
    reason = told.get("FailureReason", "").splitlines()
    first = f" {reason[0]}" if reason else ""
    return f"Execution {execution.id}, begun {moment}: {execution.status}.{first}"


def _metrics(session: LocalSession, graph: Graph, execution: LocalExecution) -> list[Section]:
    """The numbers of packages that were registered, and of the property files."""
    rows: list[tuple[str, str, float]] = []
    for package in session.models.packages():
        if package["execution"] == execution.id:
            name = f"{package['family']}:{package['version']}"
            rows += [(name, *pair) for pair in numbers_in(package["metrics"])]
    for name, path in _property_files(graph, execution):
        if path.is_file() and path.stat().st_size <= _MOST_PICTURE_BYTES:
            rows += [(name, *pair) for pair in numbers_in(_json(path))]
    return [Table(("of", "metric", "value"), tuple(rows), "Metrics")] if rows else []


def _property_files(graph: Graph, execution: LocalExecution) -> Iterator[tuple[str, Path]]:
    for step in execution.list_steps():
        outputs = dict(_outputs(execution, step))
        for file in graph.steps[step["StepName"]].step.property_files:
            if file.output in outputs:
                yield f"{step['StepName']}/{file.name}", outputs[file.output] / file.file


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text())
    except ValueError:
        return None


def numbers_in(value: Any, path: str = "") -> Iterator[tuple[str, float]]:
    """Each number within nested JSON, with the dotted path to it."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from numbers_in(item, f"{path}.{key}" if path else str(key))
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield path, value


def _pictures(execution: LocalExecution) -> list[Section]:
    """Pictures among the outputs of steps."""
    found: list[Section] = []
    for step in execution.list_steps():
        for name, folder in _outputs(execution, step):
            files = sorted(folder.rglob("*")) if folder.is_dir() else []
            for file in files:
                small = file.is_file() and file.stat().st_size <= _MOST_PICTURE_BYTES
                if small and file.suffix.lower() in _MEDIA and len(found) < _MOST_PICTURES:
                    kind = _MEDIA[file.suffix.lower()]
                    caption = f"{step['StepName']}, {name}: {file.name}"
                    found.append(Picture(file.read_bytes(), kind, caption))
    return found


def _outputs(execution: LocalExecution, step: dict[str, Any]) -> Iterator[tuple[str, Path]]:
    try:
        made = execution.result(step["StepName"])
    except KinoloomError:  # it has not succeeded
        return
    for name, path in made.items() if isinstance(made, dict) else ():
        if isinstance(path, Path):
            yield name, path


def _lineage(rows: list[dict[str, Any]]) -> list[Section]:
    """What each step read and left, by content, and which step had left what was read."""
    made = {
        digest: f"{row['name']}/{name}" for row in rows for name, digest in row["outputs"].items()
    }
    lines = []
    for row in rows:
        for place, digest in ((row["cause"] or {}).get("Inputs", {})).items():
            lines.append((row["name"], "reads", place, digest[:16], made.get(digest, "")))
        for name, digest in row["outputs"].items():
            lines.append((row["name"], "leaves", name, digest[:16], row["source"]))
    columns = ("step", "", "what", "content", "from")
    return [Table(columns, tuple(lines), "Lineage")] if lines else []


def _logs(execution: LocalExecution) -> list[Section]:
    found: list[Section] = []
    for step in execution.list_steps():
        lines = execution.logs(step["StepName"]).splitlines()
        if lines:
            cut = [f"(the last {_LAST_LINES} of {len(lines)} lines)"] * (len(lines) > _LAST_LINES)
            text = "\n".join([*cut, *lines[-_LAST_LINES:]])
            found.append(Text(text, preformatted=True, title=f"Log of {step['StepName']}"))
    return found
