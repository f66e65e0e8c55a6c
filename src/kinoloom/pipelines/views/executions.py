"""Executions as plain values: lists of them, one with its steps, its graph and its numbers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from kinoloom.pipelines.commands.executions import execution_status
from kinoloom.pipelines.language import Graph, load_text
from kinoloom.pipelines.local.execution import LocalExecution
from kinoloom.pipelines.local.scope import as_text
from kinoloom.pipelines.local.session import LocalSession
from kinoloom.pipelines.reports.execution import list_images, list_metrics
from kinoloom.pipelines.reports.graph import build_layers, direct_needs
from kinoloom.pipelines.reports.step_colors import NOT_RUN, step_kind

MAX_POINTS = 100
"""Executions in a chart of metrics."""


def list_executions(
    session: LocalSession, *, pipeline: str, before: str, limit: int
) -> list[dict[str, Any]]:
    """Return executions, latest first.

    Args:
        session: of the folder.
        pipeline: only those of this one; "" for all.
        before: only those created before this time; "" for the latest.
        limit: maximum number.
    """
    rows = session.workspace.state.query(
        "SELECT id, pipeline, status, reason, created, modified FROM executions "
        "WHERE ? IN (pipeline, '') AND (? = '' OR created < ?) ORDER BY created DESC LIMIT ?",
        *(pipeline, before, before, limit),
    )
    return [
        {**row, "status": execution_status(session, row), "reason": _first_line(row["reason"])}
        for row in rows
    ]


def list_pipelines(session: LocalSession) -> list[dict[str, Any]]:
    """Return the pipelines that have executions, with the number of these."""
    return session.workspace.state.query(
        "SELECT pipeline AS name, count(*) AS executions, max(created) AS latest "
        "FROM executions GROUP BY pipeline ORDER BY latest DESC"
    )


def describe_steps(execution: LocalExecution) -> list[dict[str, Any]]:
    """Return the started steps: state, times in seconds since the epoch, and why each one ran."""
    return [_describe_step(step) for step in execution.list_steps()]


def describe_execution(session: LocalSession, execution: LocalExecution) -> dict[str, Any]:
    """Return an execution with its steps, graph, parameters, metrics and images."""
    row = session.workspace.execution_row(execution.id)
    graph = load_text(execution.definition).graph
    return {
        "id": execution.id,
        "pipeline": row["pipeline"],
        "status": execution_status(session, row),
        "reason": row["reason"],
        "created": row["created"],
        "modified": row["modified"],
        "parameters": {p["Name"]: as_text(p["Value"]) for p in execution.list_parameters()},
        "steps": describe_steps(execution),
        "graph": describe_graph(graph),
        "metrics": [list(metric) for metric in list_metrics(graph, execution)],
        "images": [
            {"step": one.step, "output": one.output, "file": one.file.name, "index": k}
            for k, one in enumerate(list_images(execution))
        ],
    }


def describe_graph(graph: Graph) -> dict[str, Any]:
    """Return the layers of a graph from top to bottom, and its edges."""
    return {
        "layers": build_layers(graph),
        "types": {name: graph.steps[name].step.type for name in graph.order},
        "edges": [
            {"from": need, "to": name, "dashed": graph.steps[name].condition == need}
            for name in graph.order
            for need in sorted(direct_needs(graph, name))
        ],
    }


def describe_step(execution: LocalExecution, name: str) -> dict[str, Any]:
    """Return what one step read and wrote, and the steps on either side of each file."""
    rows = execution.workspace.state.list_steps(execution.id)
    own = next((row for row in rows if row["name"] == name), None)
    if own is None:
        return {"inputs": [], "outputs": [], "properties": None}
    writers = {
        digest: f"{row['name']}/{output}"
        for row in rows
        for output, digest in row["outputs"].items()
    }
    return {
        "inputs": [
            {"place": place, "digest": digest, "from": writers.get(digest, "")}
            for place, digest in _inputs_of(own).items()
        ],
        "outputs": [
            {
                "name": output,
                "digest": digest,
                "readers": [r["name"] for r in rows if digest in _inputs_of(r).values()],
            }
            for output, digest in own["outputs"].items()
        ],
        "properties": own["properties"],
        "source": own["source"],
    }


def collect_metrics(session: LocalSession, pipeline: str) -> list[dict[str, Any]]:
    """Return the metrics of the latest executions of a pipeline, oldest first."""
    points = []
    for execution in session.executions(pipeline)[:MAX_POINTS]:
        if execution.status == "Succeeded":
            graph = load_text(execution.definition).graph
            numbers = {f"{s}: {n}": value for s, n, value in list_metrics(graph, execution)}
            created = session.workspace.execution_row(execution.id)["created"]
            points.append({"execution": execution.id, "created": created, "metrics": numbers})
    return points[::-1]


def _inputs_of(row: Mapping[str, Any]) -> dict[str, str]:
    inputs: dict[str, str] = (row["cause"] or {}).get("Inputs", {})
    return inputs


def _describe_step(step: Mapping[str, Any]) -> dict[str, Any]:
    cache = step.get("CacheExplanation", "")
    return {
        "name": step["StepName"],
        "status": step["StepStatus"],
        "kind": step_kind(step["StepStatus"], cache) or NOT_RUN,
        "started": _seconds(step["StartTime"]),
        "ended": _seconds(step.get("EndTime")),
        "attempts": step.get("AttemptCount", 1),
        "why": cache,
        "reason": step.get("FailureReason", ""),
    }


def _seconds(time: datetime | None) -> float | None:
    return None if time is None else time.timestamp()


def _first_line(text: str) -> str:
    return text.partition("\n")[0]
