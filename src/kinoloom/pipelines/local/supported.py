"""What a LocalSession accepts: definitions that it can run whole, parameters that fit."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from kinoloom.errors import DefinitionError, UsageError
from kinoloom.pipelines.language import Checked, Step, load_text
from kinoloom.pipelines.language.links import fits_type
from kinoloom.pipelines.language.model import Parameter
from kinoloom.pipelines.language.problems import suggestion
from kinoloom.pipelines.language.shapes import told
from kinoloom.pipelines.local.tasks import RUNS

_NOTEBOOK = "amazon_sagemaker_scheduler"  # what the SDK's notebook jobs run in their image


@lru_cache(4)  # upsert, start and resume ask for the same one
def check_supported(text: str) -> Checked:
    """A definition, checked, if a LocalSession can run every step of it.

    Raises:
        DefinitionError: it is not right, or has steps that cannot be run here.
    """
    checked = load_text(text)
    others = [p for p in checked.graph.steps.values() if p.step.type not in RUNS]
    if others:
        listed = "\n  ".join(f"{p.path}: '{p.step.name}' is {p.step.type}" for p in others)
        raise DefinitionError(
            f"A LocalSession cannot run these steps:\n  {listed}\n"
            f"It can run: {', '.join(sorted(RUNS))}."
        )
    books = [p for p in checked.graph.steps.values() if _entry(p.step) == _NOTEBOOK]
    if books:
        listed = "\n  ".join(f"{p.path}: '{p.step.name}' is a notebook job" for p in books)
        raise DefinitionError(
            f"A LocalSession cannot run these steps:\n  {listed}\n"
            "They need the service's own image. A Processing step can run a notebook: "
            "jupyter nbconvert --execute."
        )
    return checked


def check_parameters(declared: tuple[Parameter, ...], given: Mapping[str, Any]) -> dict[str, Any]:
    """The value of every parameter, checked.

    Raises:
        UsageError: one is not declared, has no value, or a wrong one.
    """
    by_name = {parameter.name: parameter for parameter in declared}
    for name in given:
        if name not in by_name:
            raise UsageError(f"There is no parameter '{name}'{suggestion(name, by_name)}.")
    values = {}
    for name, parameter in by_name.items():
        value = given.get(name, parameter.default)
        if value is None:
            raise UsageError(f"The parameter '{name}' has no default; it must be given.")
        if not fits_type(value, parameter.type):
            raise UsageError(
                f"The parameter '{name}' must be of type {parameter.type}, not {told(value)}."
            )
        if parameter.enum_values and value not in parameter.enum_values:
            allowed = ", ".join(parameter.enum_values)
            raise UsageError(f"The parameter '{name}' must be one of {allowed}, not {told(value)}.")
        values[name] = value
    return values


def _entry(step: Step) -> str:
    """The program that a training step's image is told to run; "" where it is told none."""
    algorithm = step.arguments.get("AlgorithmSpecification")
    entry = algorithm.get("ContainerEntrypoint") if isinstance(algorithm, Mapping) else None
    return str(entry[0]) if isinstance(entry, tuple) and entry else ""
