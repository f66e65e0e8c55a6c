"""The graph of a definition: which step needs which.

A step needs those named in its DependsOn, those that its arguments refer to, and, within a
branch, its Condition. A Condition's own needs are those of its conditions and its DependsOn: what
its branches need does not hold it up. A step that depends on a Condition waits for the choice
only, not for the branch. The order of listing means nothing; it only breaks ties.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from kinoloom.errors import DefinitionError
from kinoloom.pipelines.language.model import Definition, Placed, Step
from kinoloom.pipelines.language.problems import below
from kinoloom.pipelines.language.values import Get, JsonGet, references


@dataclass(frozen=True)
class Graph:
    """All steps, what each needs, and an order in which each comes after those that it needs.

    Attributes:
        steps: by name.
        needs: by name, the steps that must end before it.
        order: every name once.
    """

    steps: Mapping[str, Placed]
    needs: Mapping[str, frozenset[str]]
    order: tuple[str, ...]

    @property
    def dependents(self) -> dict[str, list[str]]:
        """The steps that need each step."""
        return _turned(self.needs)


def graph_of(definition: Definition) -> Graph:
    """The graph of a definition whose references lead somewhere.

    Raises:
        DefinitionError: steps wait for each other in a circle; the message names it.
    """
    steps = {placed.step.name: placed for placed in definition.walk()}
    needs = {name: _needs(placed) for name, placed in steps.items()}
    order = _sorted(needs)
    if len(order) < len(needs):
        circle = _circle({name: needs[name] for name in needs if name not in set(order)})
        raise DefinitionError(
            f"{steps[circle[0]].path}: steps wait for each other in a circle: "
            f"{' -> '.join(circle)} (each needs the next)."
        )
    return Graph(steps, needs, order)


def step_references(step: Step, path: str) -> Iterator[tuple[str, Get | JsonGet]]:
    """What a step itself refers to, not the steps of its branches, with JSON paths."""
    arguments = below(path, "Arguments")
    if step.branches is not None:
        for index, condition in enumerate(step.branches.conditions):
            yield from condition.references(below(below(arguments, "Conditions"), index))
    yield from references(step.arguments, arguments)
    yield from references(step.more, path)


def file_of(value: Get | JsonGet) -> Get | None:
    """The reference to a step or another thing that a function makes itself."""
    return value if isinstance(value, Get) else value.property_file


def _needs(placed: Placed) -> frozenset[str]:
    found = set(placed.step.depends_on)
    for _, value in step_references(placed.step, ""):
        get = file_of(value)
        if get is not None and get.kind == "Steps":
            found.add(get.name)
    if placed.condition:
        found.add(placed.condition)
    return frozenset(found)


def _turned(needs: Mapping[str, frozenset[str]]) -> dict[str, list[str]]:
    turned: dict[str, list[str]] = {name: [] for name in needs}
    for name, its in needs.items():
        for need in its:
            turned[need].append(name)
    return turned


def _sorted(needs: Mapping[str, frozenset[str]]) -> tuple[str, ...]:
    """Each after its needs; those in a circle are left out."""
    waiting = {name: len(its) for name, its in needs.items()}
    dependents = _turned(needs)
    order = [name for name, count in waiting.items() if count == 0]
    for name in order:  # grows while it is read
        for dependent in dependents[name]:
            waiting[dependent] -= 1
            if waiting[dependent] == 0:
                order.append(dependent)
    return tuple(order)


def _circle(needs: Mapping[str, frozenset[str]]) -> list[str]:
    """One circle, its first name again at the end; every name given waits for one of them."""
    name = next(iter(needs))
    seen: list[str] = []
    while name not in seen:
        seen.append(name)
        name = min(need for need in needs[name] if need in needs)
    return [*seen[seen.index(name) :], name]
