"""Changes between two definitions of one pipeline: which finished steps stay valid."""

from __future__ import annotations

from typing import Any

from kinoloom.pipelines.language import Checked
from kinoloom.pipelines.language.model import Placed

_BRANCHES = ("IfSteps", "ElseSteps")


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
