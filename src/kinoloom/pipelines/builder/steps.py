"""Base classes of steps and of collections of steps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from kinoloom.pipelines.builder.context import CompileContext
from kinoloom.pipelines.builder.properties import Properties


class Step:
    """Base class of steps.

    Args:
        name: Unique within the pipeline.
        display_name, description: Shown to people.
        depends_on: Steps, or names of steps, that must finish first.
    """

    step_type: ClassVar[str]

    def __init__(
        self,
        name: str,
        display_name: str | None = None,
        description: str | None = None,
        depends_on: Sequence[str | Step | StepCollection] | None = None,
    ) -> None:
        self.name = name
        self.display_name = display_name
        self.description = description
        self.depends_on = list(depends_on or ())

    @property
    def properties(self) -> Properties:
        """What later steps can take from the step."""
        return Properties(self.name, step_type=self.step_type)

    def add_depends_on(self, step_names: Sequence[str | Step | StepCollection]) -> None:
        """Add steps that must finish first."""
        self.depends_on.extend(step_names)

    def build_arguments(self, context: CompileContext) -> dict[str, Any]:
        """Return the step's arguments as plain JSON."""
        raise NotImplementedError

    def to_request(self, context: CompileContext) -> dict[str, Any]:
        """Return the step as plain JSON."""
        request: dict[str, Any] = {
            "Name": self.name,
            "Type": self.step_type,
            "Arguments": self.build_arguments(replace(context, step=self.name)),
        }
        if self.depends_on:
            request["DependsOn"] = [s if isinstance(s, str) else s.name for s in self.depends_on]
        if self.display_name:
            request["DisplayName"] = self.display_name
        if self.description:
            request["Description"] = self.description
        return request


class StepCollection:
    """Several steps under one name; depending on it means depending on its last step.

    Args:
        name: The collection's name.
        steps: The steps in the order in which they run.
        depends_on: Steps, or names of steps, that must finish before the first step.
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
        """What later steps can take from the last step."""
        return self.steps[-1].properties


Listed = Step | StepCollection
"""An item of a pipeline's or a branch's list of steps."""

Dependencies = Sequence[str | Step | StepCollection] | None
"""The `depends_on` argument of steps."""


def build_steps(listed: Sequence[Listed], context: CompileContext) -> list[dict[str, Any]]:
    """Return the steps of a list as plain JSON, including the steps of collections."""
    steps = (one.steps if isinstance(one, StepCollection) else [one] for one in listed)
    return [step.to_request(context) for group in steps for step in group]


def iter_collections(listed: Sequence[Listed]) -> Iterator[StepCollection]:
    """Yield the collections of a list, including those in branches."""
    for one in listed:
        if isinstance(one, StepCollection):
            yield one
        for branch in ("if_steps", "else_steps"):
            yield from iter_collections(getattr(one, branch, ()))


def resolve_collections(steps: Sequence[dict[str, Any]], last_steps: Mapping[str, str]) -> None:
    """Replace collection names in DependsOn by the names of the collections' last steps."""
    for step in steps:
        if "DependsOn" in step:
            step["DependsOn"] = [last_steps.get(name, name) for name in step["DependsOn"]]
        if step["Type"] == "Condition":
            for branch in ("IfSteps", "ElseSteps"):
                resolve_collections(step["Arguments"][branch], last_steps)
