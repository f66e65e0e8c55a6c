"""Checks of what a LocalSession can run: definitions and parameters."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from kinoloom.base.printable import printable_line
from kinoloom.errors import DefinitionError, UsageError
from kinoloom.pipelines.language import Checked, Step, load_text
from kinoloom.pipelines.language.model import Parameter, Placed
from kinoloom.pipelines.language.problems import suggest
from kinoloom.pipelines.language.shapes import fits_type, format_value
from kinoloom.pipelines.local.kinds import LOCAL_KINDS

_NOTEBOOK = "amazon_sagemaker_scheduler"  # the entry point of the SDK's notebook jobs


@lru_cache(4)  # upsert, start and resume check the same definition
def check_supported(text: str) -> Checked:
    """Return a checked definition if a LocalSession can run all of its steps.

    Raises:
        DefinitionError: The definition is invalid or has steps that cannot run locally.
    """
    checked = load_text(text)
    steps = checked.graph.steps.values()
    unsupported = [placed for placed in steps if placed.step.type not in LOCAL_KINDS]
    if unsupported:
        raise _unsupported_error(
            [(placed, placed.step.type) for placed in unsupported],
            f"Supported step types: {', '.join(sorted(LOCAL_KINDS))}.",
        )
    notebooks = [placed for placed in steps if _entry_point(placed.step) == _NOTEBOOK]
    if notebooks:
        raise _unsupported_error(
            [(placed, "a notebook job") for placed in notebooks],
            "Notebook jobs need the service's own image. Run the notebook in a Processing step: "
            "jupyter nbconvert --execute.",
        )
    return checked


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


def _unsupported_error(steps: list[tuple[Placed, str]], advice: str) -> DefinitionError:
    lines = "\n  ".join(
        printable_line(f"{one.path}: '{one.step.name}' is {kind}") for one, kind in steps
    )
    return DefinitionError(f"LocalSession cannot run these steps:\n  {lines}\n{advice}")


def _entry_point(step: Step) -> str:
    """Return the program of a training step's container; "" if it has none."""
    algorithm = step.arguments.get("AlgorithmSpecification")
    entry = algorithm.get("ContainerEntrypoint") if isinstance(algorithm, Mapping) else None
    return str(entry[0]) if isinstance(entry, tuple) and entry else ""
