"""Changes between two definitions of one pipeline: which finished steps stay valid."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kinoloom.pipelines.language import Checked, load_text
from kinoloom.pipelines.language.model import Placed
from kinoloom.pipelines.local.jobs.outcome import Status
from kinoloom.pipelines.local.storage.state import State
from kinoloom.pipelines.local.supported import check_parameters, check_supported

_BRANCHES = ("IfSteps", "ElseSteps")
_THIS_STEP = "WHERE execution = :id AND name = :name"


def replace_definition(
    state: State, row: Mapping[str, Any], definition: str
) -> list[tuple[str, dict[str, Any]]]:
    """Return the statements that give an execution another definition.

    Args:
        state: The state.
        row: The execution's row.
        definition: The definition as JSON.

    Raises:
        DefinitionError: The definition is invalid or has steps that cannot run locally.
        UsageError: A parameter has no valid value.
    """
    before, after = load_text(row["definition"]), check_supported(definition)
    declared = after.definition.parameters
    names = {one.name for one in declared}
    kept = {name: value for name, value in row["parameters"].items() if name in names}
    values = {
        "id": row["id"],
        "definition": definition,
        "parameters": check_parameters(declared, kept),
    }
    statements = [
        (
            "UPDATE executions SET definition = :definition, parameters = :parameters "
            "WHERE id = :id",
            values,
        )
    ]
    unchanged = find_unchanged_steps(before, after)
    for step in state.list_steps(row["id"]):
        name = step["name"].partition("/")[0]  # trainings of a Tuning step have a number
        values = {"id": row["id"], "name": step["name"], "status": Status.WAITING.value}
        if name not in after.graph.steps:
            statements.append((f"DELETE FROM steps {_THIS_STEP}", values))
        elif name not in unchanged:
            statements.append((f"UPDATE steps SET status = :status {_THIS_STEP}", values))
    return statements


def find_unchanged_steps(before: Checked, after: Checked) -> set[str]:
    """Return the steps that are equal in both definitions, and so are all steps they need.

    The address of uploaded code has its digest, so a step with changed code is another step.
    """
    unchanged: set[str] = set()
    for name in after.graph.order:
        old, new = before.graph.steps.get(name), after.graph.steps[name]
        if (
            old is not None
            and _content(old) == _content(new)
            and unchanged.issuperset(after.graph.needs[name])
        ):
            unchanged.add(name)
    return unchanged


def _content(placed: Placed) -> tuple[dict[str, Any], str, bool]:
    """Return what decides a step's result; the steps in a condition's branches do not."""
    step = placed.step.to_json()
    arguments = {k: v for k, v in step["Arguments"].items() if k not in _BRANCHES}
    return {**step, "Arguments": arguments}, placed.condition, placed.outcome
