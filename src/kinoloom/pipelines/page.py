"""The page about a definition: its parameters, and its steps in an order in which they can run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kinoloom.base.provenance import Provenance
from kinoloom.base.report import Report, Section, Table, Text
from kinoloom.pipelines.language import Checked, load_file

SCHEMA = "kinoloom.pipeline.validate/1"


def definition_report(file: Path) -> Report:
    """Check the definition in a file and describe it.

    Raises:
        InputNotFoundError, UnreadableMediaError: the file cannot be read.
        DefinitionError: it is not a right definition.
    """
    checked = load_file(file)
    steps = _steps(checked)
    count = "1 step" if len(steps) == 1 else f"{len(steps)} steps"
    sections: list[Section] = [Text(f"{file.name} is right: {count}.")]
    parameters = checked.definition.parameters
    if parameters:
        rows = tuple(
            (p.name, p.type, "(must be given)" if p.default is None else p.default,
             ", ".join(p.enum_values))
            for p in parameters
        )  # fmt: skip
        sections.append(Table(("parameter", "type", "default", "allowed"), rows))
    shown = tuple((s["name"], s["type"], ", ".join(s["needs"]), s["branch"]) for s in steps)
    sections.append(Table(("step", "type", "needs", "in the branch"), shown))
    data = {
        "schema": SCHEMA,
        "file": file.name,
        "parameters": [parameter.to_json() for parameter in parameters],
        "steps": steps,
    }
    record = Provenance(op="pipeline.validate", options={}, inputs=(file,))
    return Report("Pipeline definition", tuple(sections), data, record)


def _steps(checked: Checked) -> list[dict[str, Any]]:
    graph = checked.graph
    listed = []
    for name in graph.order:
        placed = graph.steps[name]
        word = "if" if placed.chosen else "else"
        listed.append(
            {
                "name": name,
                "type": placed.step.type,
                "needs": sorted(graph.needs[name]),
                "branch": f"{placed.condition}: {word}" if placed.condition else "",
                "path": placed.path,
            }
        )
    return listed
