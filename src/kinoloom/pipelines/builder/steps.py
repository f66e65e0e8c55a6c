"""Base classes of steps and of collections of steps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from kinoloom.errors import UsageError
from kinoloom.pipelines.builder.context import CompileContext
from kinoloom.pipelines.builder.properties import Properties
from kinoloom.pipelines.builder.variables import PipelineVariable


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
        depends_on: Dependencies = None,
    ) -> None:
        self.name = name
        self.display_name = display_name
        self.description = description
        self.depends_on = list(depends_on or ())

    @property
    def properties(self) -> Properties:
        """What later steps can take from the step."""
        return Properties(self.name, step_type=self.step_type, step=self)

    @property
    def arguments(self) -> Any:
        """The arguments are known only when the pipeline is compiled.

        Raises:
            UsageError: Always.
        """
        raise UsageError(
            f"The arguments of step '{self.name}' are known only when its pipeline is compiled.",
            hint="Take values from its properties, and join them with text by Join(on, values).",
        )

    def add_depends_on(self, step_names: Sequence[str | Listed]) -> None:
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
            request["DependsOn"] = [_last_name(one) for one in self.depends_on]
            context.needed.extend(
                step
                for one in self.depends_on
                if not isinstance(one, str)
                for step in iter_listed(one)
            )
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
        depends_on: Dependencies = None,
    ) -> None:
        self.name = name
        self.steps = list(steps)
        if depends_on and self.steps:
            self.steps[0].add_depends_on(depends_on)

    @property
    def properties(self) -> Properties:
        """What later steps can take from the last step."""
        return self.steps[-1].properties


class StepOutput(PipelineVariable):
    """The future result of a step; in a list of steps it means the step.

    Args:
        step: The step.
    """

    def __init__(self, step: Step) -> None:
        self.step = step

    def iter_steps(self) -> Iterator[Step]:
        """Yield the step."""
        yield self.step


Listed = Step | StepCollection | StepOutput
"""An item of a pipeline's or a branch's list of steps."""

Dependencies = Sequence[str | Listed] | None
"""The `depends_on` argument of steps."""


def iter_listed(one: Listed) -> Iterator[Step]:
    """Yield the steps of an item of a list."""
    if isinstance(one, StepCollection):
        yield from one.steps
    else:
        yield one.step if isinstance(one, StepOutput) else one


def iter_placed(listed: Iterable[Listed]) -> Iterator[Step]:
    """Yield the steps of a list, including those in branches."""
    for one in listed:
        for step in iter_listed(one):
            yield step
            for branch in ("if_steps", "else_steps"):
                yield from iter_placed(getattr(step, branch, ()))


def build_steps(listed: Iterable[Listed], context: CompileContext) -> list[dict[str, Any]]:
    """Return the steps of a list as plain JSON, each once, including those of collections."""
    steps = {id(step): step for one in listed for step in iter_listed(one)}
    return [step.to_request(context) for step in steps.values()]


def build_all_steps(listed: Sequence[Listed], context: CompileContext) -> list[dict[str, Any]]:
    """Return the steps of a pipeline as plain JSON, before them those that they need.

    A step that is neither in the list nor in a branch, but to which another step refers, becomes a
    part of the pipeline, as in the SDK.

    Raises:
        UsageError: Two steps have the same name.
    """
    names: dict[str, Step] = {}
    requests: list[dict[str, Any]] = []
    steps: list[Listed] = list(listed)
    while steps:
        for step in iter_placed(steps):
            if names.setdefault(step.name, step) is not step:
                raise UsageError(
                    f"Two steps are named '{step.name}'.", hint="Pass another name= to one of them."
                )
        context.needed.clear()
        requests[:0] = build_steps(steps, context)
        placed = {id(step) for step in names.values()}
        steps = [step for step in context.needed if id(step) not in placed]
    return requests


def iter_collections(listed: Iterable[Listed]) -> Iterator[StepCollection]:
    """Yield the collections of a list, including those in branches."""
    for one in listed:
        if isinstance(one, StepCollection):
            yield one
        for branch in ("if_steps", "else_steps"):
            yield from iter_collections(getattr(one, branch, ()))


def _last_name(one: str | Listed) -> str:
    return one if isinstance(one, str) else list(iter_listed(one))[-1].name


def resolve_collections(steps: Sequence[dict[str, Any]], last_steps: Mapping[str, str]) -> None:
    """Replace collection names in DependsOn by the names of the collections' last steps."""
    for step in steps:
        if "DependsOn" in step:
            step["DependsOn"] = [last_steps.get(name, name) for name in step["DependsOn"]]
        if step["Type"] == "Condition":
            for branch in ("IfSteps", "ElseSteps"):
                resolve_collections(step["Arguments"][branch], last_steps)
