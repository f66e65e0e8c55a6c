"""The report on a definition: its parameters, and its steps in topological order."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kinoloom.base.provenance import Provenance
from kinoloom.base.report import Report, Section, Table, Text
from kinoloom.pipelines.language import Checked, load_file
from kinoloom.pipelines.local.supported import examine_steps
from kinoloom.pipelines.options import ValidateOptions

SCHEMA = "kinoloom.pipeline.validate/1"


def definition_report(file: Path, options: ValidateOptions) -> Report:
    """Check the definition in a file and describe it.

    Args:
        file: The file.
        options: Where the pipeline must be able to run.

    Raises:
        InputNotFoundError, UnreadableMediaError: The file cannot be read.
        DefinitionError: The definition is invalid, or has steps that cannot run there.
    """
    checked = load_file(file)
    notes: list[str] = []
    if options.target == "local":
        notes = list(examine_steps(checked, {}).notes)
    steps = _describe_steps(checked)
    count = "1 step" if len(steps) == 1 else f"{len(steps)} steps"
    sections: list[Section] = [Text(f"{file.name} is valid: {count}.")]
    parameters = checked.definition.parameters
    if parameters:
        rows = tuple(
            (p.name, p.type, "(required)" if p.default is None else p.default,
             ", ".join(p.enum_values))
            for p in parameters
        )  # fmt: skip
        sections.append(Table(("parameter", "type", "default", "allowed"), rows))
    rows = tuple((s["name"], s["type"], ", ".join(s["needs"]), s["branch"]) for s in steps)
    sections.append(Table(("step", "type", "needs", "branch"), rows))
    if notes:
        sections.append(Text("\n".join(notes), preformatted=True, title="Notes"))
    data = {
        "schema": SCHEMA,
        "file": file.name,
        "parameters": [parameter.to_json() for parameter in parameters],
        "steps": steps,
        "notes": notes,
    }
    record = Provenance(op="pipeline.validate", options={"target": options.target}, inputs=(file,))
    return Report("Pipeline definition", tuple(sections), data, record)


def _describe_steps(checked: Checked) -> list[dict[str, Any]]:
    graph = checked.graph
    steps = []
    for name in graph.order:
        placed = graph.steps[name]
        branch = "if" if placed.outcome else "else"
        steps.append(
            {
                "name": name,
                "type": placed.step.type,
                "needs": sorted(graph.needs[name]),
                "branch": f"{placed.condition}: {branch}" if placed.condition else "",
                "path": placed.path,
            }
        )
    return steps
