"""Steps and collections of steps: what all of them have in common."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from kinoloom.pipelines.compiling import Compiling
from kinoloom.pipelines.workflow.properties import Properties


class Step:
    """What all steps have in common.

    Args:
        name: unique within the pipeline.
        display_name, description: for people.
        depends_on: steps, or names of steps, that must end before it.
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
        """What later steps may take from it."""
        return Properties(self.name, step_type=self.step_type)

    def add_depends_on(self, step_names: Sequence[str | Step | StepCollection]) -> None:
        """Make it wait for more steps."""
        self.depends_on.extend(step_names)

    def arguments(self, compiling: Compiling) -> dict[str, Any]:
        """Its arguments as plain JSON."""
        raise NotImplementedError

    def to_request(self, compiling: Compiling) -> dict[str, Any]:
        """The whole step as plain JSON."""
        arguments = self.arguments(replace(compiling, step=self.name))
        made: dict[str, Any] = {"Name": self.name, "Type": self.step_type, "Arguments": arguments}
        if self.depends_on:
            made["DependsOn"] = [s if isinstance(s, str) else s.name for s in self.depends_on]
        if self.display_name:
            made["DisplayName"] = self.display_name
        if self.description:
            made["Description"] = self.description
        return made


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
