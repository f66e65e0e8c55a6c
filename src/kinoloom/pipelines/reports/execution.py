"""The report on an execution: graph, timeline, parameters, metrics, images, lineage, logs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from kinoloom.base.provenance import Provenance
from kinoloom.base.report import Picture, Report, Section, Table, Text
from kinoloom.errors import KinoloomError
from kinoloom.pipelines.language import Graph, load_text
from kinoloom.pipelines.local.execution import LocalExecution
from kinoloom.pipelines.local.scope import as_text
from kinoloom.pipelines.protocols import Execution
from kinoloom.pipelines.reports.graph import graph_picture
from kinoloom.pipelines.reports.live import duration_s
from kinoloom.pipelines.reports.step_colors import step_kind
from kinoloom.pipelines.reports.timeline import timeline_picture

SCHEMA = "kinoloom.pipeline.run/1"
_MEDIA = {".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".webp": "image/webp"}
_MAX_IMAGES, _MAX_FILE_BYTES = 12, 2 << 20
_LAST_LINES = 200


def execution_report(execution: LocalExecution) -> Report:
    """Report on an execution in full."""
    steps = execution.list_steps()
    description = execution.describe()
    graph = load_text(execution.definition).graph
    kinds = {
        s["StepName"]: step_kind(s["StepStatus"], s.get("CacheExplanation", "")) for s in steps
    }
    sections: list[Section] = [
        Text(_summary(execution, description)),
        graph_picture(graph, kinds),
        *([timeline_picture(steps)] if steps else []),
        steps_table(steps),
    ]
    sections += [
        Text(s["FailureReason"], preformatted=True, title=f"Failure of {s['StepName']}")
        for s in steps if "FailureReason" in s
    ]  # fmt: skip
    parameters = tuple((p["Name"], as_text(p["Value"])) for p in execution.list_parameters())
    if parameters:
        sections.append(Table(("parameter", "value"), parameters, "Parameters"))
    sections += _metrics(graph, execution)
    sections += _images(execution)
    sections += _lineage(execution.workspace.state.list_steps(execution.id))
    sections += _logs(execution)
    record = Provenance(op="pipeline.show", options={"execution": execution.id})
    title = f"Pipeline {_pipeline_name(description)}"
    return Report(title, tuple(sections), execution_data(execution), record)


def execution_data(execution: Execution) -> dict[str, Any]:
    """Return an execution and its steps as plain values."""
    description = execution.describe()
    return {
        "schema": SCHEMA,
        "pipeline": _pipeline_name(description),
        "execution": execution.id,
        "status": execution.status,
        "reason": description.get("FailureReason", ""),
        "steps": [_step_data(step) for step in execution.list_steps()],
    }


def steps_table(steps: list[dict[str, Any]]) -> Table:
    """Return a table with one row per started step."""
    rows = tuple(
        (step["name"], step["status"], round(step["seconds"], 2), step["attempts"], step["cache"])
        for step in map(_step_data, steps)
    )
    return Table(("step", "status", "seconds", "attempts", "cache"), rows)


def iter_numbers(value: Any, path: str = "") -> Iterator[tuple[str, float]]:
    """Yield each number in nested JSON with its dotted path."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from iter_numbers(item, f"{path}.{key}" if path else str(key))
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield path, value


def _pipeline_name(description: dict[str, Any]) -> str:
    return str(description["PipelineArn"]).rpartition("/")[2]


def _step_data(step: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": step["StepName"],
        "status": step["StepStatus"],
        "seconds": duration_s(step),
        "attempts": step.get("AttemptCount", 1),
        "cache": step.get("CacheExplanation", ""),
        "reason": step.get("FailureReason", ""),
    }


def _summary(execution: LocalExecution, description: dict[str, Any]) -> str:
    started = description["CreationTime"].strftime("%Y-%m-%d %H:%M:%S UTC")
    reason = description.get("FailureReason", "").splitlines()
    first_line = f" {reason[0]}" if reason else ""
    return f"Execution {execution.id}, started {started}: {execution.status}.{first_line}"


def list_metrics(graph: Graph, execution: LocalExecution) -> list[tuple[str, str, float]]:
    """Return the numbers of registered packages and of property files: (source, name, value)."""
    rows: list[tuple[str, str, float]] = []
    for package in execution.workspace.models.list_packages():
        if package["execution"] == execution.id:
            name = f"{package['family']}:{package['version']}"
            rows += [(name, *pair) for pair in iter_numbers(package["metrics"])]
    for name, path in _iter_property_files(graph, execution):
        if path.is_file() and path.stat().st_size <= _MAX_FILE_BYTES:
            rows += [(name, *pair) for pair in iter_numbers(_read_json(path))]
    return rows


def _metrics(graph: Graph, execution: LocalExecution) -> list[Section]:
    rows = tuple(list_metrics(graph, execution))
    return [Table(("source", "metric", "value"), rows, "Metrics")] if rows else []


def _iter_property_files(graph: Graph, execution: LocalExecution) -> Iterator[tuple[str, Path]]:
    for step in execution.list_steps():
        files = graph.steps[step["StepName"]].step.property_files
        outputs = dict(_iter_outputs(execution, step)) if files else {}
        for file in files:
            if file.output in outputs:
                yield f"{step['StepName']}/{file.name}", outputs[file.output] / file.file


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text())
    except ValueError:
        return None


class OutputImage(NamedTuple):
    """An image among the outputs of a step.

    Attributes:
        step, output: names of the step and of its output.
        file: the image.
        media_type: of its content.
    """

    step: str
    output: str
    file: Path
    media_type: str


def list_images(execution: LocalExecution) -> list[OutputImage]:
    """Return small images among the outputs of steps, at most 12."""
    images: list[OutputImage] = []
    for step in execution.list_steps():
        for name, folder in _iter_outputs(execution, step):
            for file in sorted(folder.rglob("*")) if folder.is_dir() else []:
                media_type = _MEDIA.get(file.suffix.lower())
                is_small = file.is_file() and file.stat().st_size <= _MAX_FILE_BYTES
                if media_type and is_small:
                    images.append(OutputImage(step["StepName"], name, file, media_type))
    return images[:_MAX_IMAGES]


def _images(execution: LocalExecution) -> list[Section]:
    return [
        Picture(one.file.read_bytes(), one.media_type, f"{one.step}, {one.output}: {one.file.name}")
        for one in list_images(execution)
    ]


def _iter_outputs(execution: LocalExecution, step: dict[str, Any]) -> Iterator[tuple[str, Path]]:
    try:
        result = execution.outputs(step["StepName"])
    except KinoloomError:  # the step has not succeeded
        return
    for name, path in result.items() if isinstance(result, dict) else ():
        if isinstance(path, Path):
            yield name, path


def _lineage(rows: list[dict[str, Any]]) -> list[Section]:
    """Return what each step read and wrote by digest, and the steps that wrote what was read."""
    writers = {
        digest: f"{row['name']}/{name}" for row in rows for name, digest in row["outputs"].items()
    }
    lines = []
    for row in rows:
        for place, digest in ((row["cause"] or {}).get("Inputs", {})).items():
            lines.append((row["name"], "reads", place, digest[:16], writers.get(digest, "")))
        for name, digest in row["outputs"].items():
            lines.append((row["name"], "writes", name, digest[:16], row["source"]))
    columns = ("step", "", "file", "digest", "from")
    return [Table(columns, tuple(lines), "Lineage")] if lines else []


def _logs(execution: LocalExecution) -> list[Section]:
    logs: list[Section] = []
    for step in execution.list_steps():
        lines = execution.logs(step["StepName"]).splitlines()
        if lines:
            note = [f"(last {_LAST_LINES} of {len(lines)} lines)"] * (len(lines) > _LAST_LINES)
            text = "\n".join([*note, *lines[-_LAST_LINES:]])
            logs.append(Text(text, preformatted=True, title=f"Log of {step['StepName']}"))
    return logs
