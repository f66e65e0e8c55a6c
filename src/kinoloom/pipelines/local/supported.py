"""Checks of what a LocalSession can run: definitions and parameters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from kinoloom.errors import UsageError
from kinoloom.pipelines.language import Checked, load_text
from kinoloom.pipelines.language.model import Parameter, Placed
from kinoloom.pipelines.language.problems import Problems, child_path, suggest
from kinoloom.pipelines.language.shapes import fits_type, format_value
from kinoloom.pipelines.language.values import EXECUTION_VARIABLES, Get
from kinoloom.pipelines.local.kinds import LOCAL_KINDS
from kinoloom.pipelines.local.scope import substitute
from kinoloom.pipelines.local.step_kind import LocalKind

_PLACEHOLDER = {f"Execution.{name}": "000000000000" for name in EXECUTION_VARIABLES}
"""Values of execution variables that do not change whether a step can run."""


@dataclass(frozen=True)
class Findings:
    """What is worth knowing before a definition that can run starts.

    Attributes:
        notes: A sentence for each argument that has another effect in a LocalSession.
        models: The names of the models that must exist.
    """

    notes: tuple[str, ...]
    models: tuple[str, ...]


def check_supported(text: str) -> Checked:
    """Return a checked definition if a LocalSession can run all of its steps.

    Raises:
        DefinitionError: See `examine_text`.
    """
    return examine_text(text)[0]


@lru_cache(4)  # upsert, start and resume check the same definition
def examine_text(text: str) -> tuple[Checked, Findings]:
    """Check a definition in JSON text, with its literal values.

    Raises:
        DefinitionError: The definition is invalid or has steps that cannot run locally; the
            message lists all of them with their JSON paths.
    """
    checked = load_text(text)
    return checked, examine_steps(checked, {})


def examine_steps(checked: Checked, parameters: Mapping[str, Any]) -> Findings:
    """Check that a LocalSession can run all steps, as far as their arguments are known.

    Args:
        checked: The definition.
        parameters: The known values of parameters by name.

    Raises:
        DefinitionError: See `examine_text`.
    """
    problems = Problems()
    notes, models = [], []
    for placed, kind, arguments in _iter_arguments(checked, parameters):
        name, found = placed.step.name, Problems()
        if kind is None:
            types = ", ".join(sorted(LOCAL_KINDS))
            found.add(placed.path, f"is of type {placed.step.type}; supported types: {types}")
        else:
            kind.supported.check(arguments, child_path(placed.path, "Arguments"), found)
            if not len(found):
                notes += [f"Step '{name}': {note}" for note in kind.notes(arguments)]
        if _needs_model(placed) and isinstance(arguments.get("ModelName"), str):
            models.append(arguments["ModelName"])
        for problem in found:
            problems.add(problem.path, f"{problem.message} (step '{name}')")
    problems.raise_if_any("LocalSession cannot run the pipeline, which has")
    return Findings(tuple(notes), tuple(models))


def _needs_model(placed: Placed) -> bool:
    """Return whether a step surely runs with a model whose name no step of the pipeline decides."""
    name = placed.step.arguments.get("ModelName")
    is_fixed = isinstance(name, str) or (isinstance(name, Get) and name.kind == "Parameters")
    return placed.step.type == "Transform" and is_fixed and not placed.condition


def _iter_arguments(
    checked: Checked, parameters: Mapping[str, Any]
) -> Iterator[tuple[Placed, LocalKind | None, Any]]:
    """Yield each step with its kind and its arguments as JSON, with the known values in them."""
    known = {**_PLACEHOLDER, **{f"Parameters.{name}": one for name, one in parameters.items()}}
    for placed in checked.graph.steps.values():
        kind = LOCAL_KINDS.get(placed.step.type)
        yield placed, kind, substitute(placed.step.arguments, known)


def check_parameters(declared: tuple[Parameter, ...], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the value of every declared parameter.

    Raises:
        UsageError: A parameter is unknown, or a value is missing, of the wrong type or not allowed.
    """
    by_name = {parameter.name: parameter for parameter in declared}
    for name in given:
        if name not in by_name:
            raise UsageError(f"Unknown parameter '{name}'{suggest(name, by_name)}.")
    values = {}
    for name, parameter in by_name.items():
        value = given.get(name, parameter.default)
        if value is None:
            raise UsageError(f"Parameter '{name}' has no default: pass a value.")
        if not fits_type(value, parameter.type):
            raise UsageError(
                f"Parameter '{name}' must be of type {parameter.type}, not {format_value(value)}."
            )
        if parameter.enum_values and value not in parameter.enum_values:
            allowed = ", ".join(parameter.enum_values)
            raise UsageError(
                f"Parameter '{name}' must be one of {allowed}, not {format_value(value)}."
            )
        values[name] = value
    return values
