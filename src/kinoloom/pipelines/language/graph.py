"""The dependency graph of a definition.

A step depends on the steps in its DependsOn, on the steps that its arguments refer to, and, within
a branch, on its Condition step. A Condition step depends on its DependsOn and on what its
conditions refer to, not on what its branches need. A step that depends on a Condition step waits
for the outcome only, not for the branch. The order of the listing only breaks ties.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from kinoloom.errors import DefinitionError
from kinoloom.pipelines.language.model import Definition, Placed, Step
from kinoloom.pipelines.language.problems import child_path
from kinoloom.pipelines.language.values import Get, JsonGet, iter_references


@dataclass(frozen=True)
class Graph:
    """The steps, their dependencies and a topological order.

    Attributes:
        steps: The steps by name.
        needs: By name, the steps that must finish first.
        order: Every name once, after the steps that it needs.
    """

    steps: Mapping[str, Placed]
    needs: Mapping[str, frozenset[str]]
    order: tuple[str, ...]

    @property
    def dependents(self) -> dict[str, list[str]]:
        """By name, the steps that need a step."""
        return _invert(self.needs)


def build_graph(definition: Definition) -> Graph:
    """Return the graph of a definition whose references have been checked.

    Raises:
        DefinitionError: The dependencies have a cycle; the message names it.
    """
    steps = {placed.step.name: placed for placed in definition.walk()}
    needs = {name: _needs(placed) for name, placed in steps.items()}
    order = _sort(needs)
    if len(order) < len(needs):
        cycle = _find_cycle({name: needs[name] for name in needs if name not in set(order)})
        raise DefinitionError(
            f"{steps[cycle[0]].path}: dependency cycle: {' -> '.join(cycle)} "
            "(each step needs the next)."
        )
    return Graph(steps, needs, order)


def iter_step_references(step: Step, path: str) -> Iterator[tuple[str, Get | JsonGet]]:
    """Yield a step's references with their JSON paths, without those of its branches."""
    arguments = child_path(path, "Arguments")
    if step.branches is not None:
        for index, condition in enumerate(step.branches.conditions):
            yield from condition.iter_references(
                child_path(child_path(arguments, "Conditions"), index)
            )
    yield from iter_references(step.arguments, arguments)
    yield from iter_references(step.more, path)


def _target(value: Get | JsonGet) -> Get | None:
    """Return the reference of a function; None for a JsonGet of an address."""
    return value if isinstance(value, Get) else value.property_file


def _needs(placed: Placed) -> frozenset[str]:
    found = set(placed.step.depends_on)
    for _, value in iter_step_references(placed.step, ""):
        get = _target(value)
        if get is not None and get.kind == "Steps":
            found.add(get.name)
    if placed.condition:
        found.add(placed.condition)
    return frozenset(found)


def _invert(needs: Mapping[str, frozenset[str]]) -> dict[str, list[str]]:
    inverted: dict[str, list[str]] = {name: [] for name in needs}
    for name, its in needs.items():
        for need in its:
            inverted[need].append(name)
    return inverted


def _sort(needs: Mapping[str, frozenset[str]]) -> tuple[str, ...]:
    """Return the names in topological order, without those that need a cycle."""
    waiting = {name: len(its) for name, its in needs.items()}
    dependents = _invert(needs)
    order = [name for name, count in waiting.items() if count == 0]
    for name in order:  # grows during the loop
        for dependent in dependents[name]:
            waiting[dependent] -= 1
            if waiting[dependent] == 0:
                order.append(dependent)
    return tuple(order)


def _find_cycle(needs: Mapping[str, frozenset[str]]) -> list[str]:
    """Return a cycle with its first name repeated at the end; every name needs another one."""
    name = next(iter(needs))
    seen: list[str] = []
    while name not in seen:
        seen.append(name)
        name = min(need for need in needs[name] if need in needs)
    return [*seen[seen.index(name) :], name]
