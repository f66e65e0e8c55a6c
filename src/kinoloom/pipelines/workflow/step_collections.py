"""Several steps under one name."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from kinoloom.pipelines.compiling import Compiling
from kinoloom.pipelines.workflow.properties import Properties
from kinoloom.pipelines.workflow.steps import Step


class StepCollection:
    """Several steps under one name; who depends on it depends on the last of them.

    Args:
        name: of the collection.
        steps: in the order in which they run.
        depends_on: steps, or names of steps, that must end before the first of them.
    """

    def __init__(
        self,
        name: str,
        steps: Sequence[Step] = (),
        depends_on: Sequence[str | Step | StepCollection] | None = None,
    ) -> None:
        self.name = name
        self.steps = list(steps)
        if depends_on and self.steps:
            self.steps[0].add_depends_on(depends_on)

    @property
    def properties(self) -> Properties:
        """What later steps may take from the last of its steps."""
        return self.steps[-1].properties


Listed = Step | StepCollection
"""What a pipeline's or a branch's list of steps may hold."""


def flat(listed: Sequence[Listed]) -> list[Step]:
    """All steps of a list, those of collections in their place."""
    return [
        step for one in listed for step in (one.steps if isinstance(one, StepCollection) else [one])
    ]


def requests(listed: Sequence[Listed], compiling: Compiling) -> list[dict[str, Any]]:
    """The steps of a list as plain JSON."""
    return [step.to_request(compiling) for step in flat(listed)]


def collections(listed: Sequence[Listed]) -> Iterator[StepCollection]:
    """The collections of a list, those in branches too."""
    for one in listed:
        if isinstance(one, StepCollection):
            yield one
        for branch in ("if_steps", "else_steps"):
            yield from collections(getattr(one, branch, ()))


def point_to_last(steps: Sequence[dict[str, Any]], last: Mapping[str, str]) -> None:
    """Replace names of collections in DependsOn by those of their last steps."""
    for step in steps:
        if "DependsOn" in step:
            step["DependsOn"] = [last.get(name, name) for name in step["DependsOn"]]
        if step["Type"] == "Condition":
            for branch in ("IfSteps", "ElseSteps"):
                point_to_last(step["Arguments"][branch], last)


def __getattr__(name: str) -> Any:
    """`RegisterModel` and `EstimatorTransformer`, which the SDK has here, when first used."""
    if name in ("RegisterModel", "EstimatorTransformer"):
        return getattr(importlib.import_module("kinoloom.pipelines.workflow.older_steps"), name)
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
