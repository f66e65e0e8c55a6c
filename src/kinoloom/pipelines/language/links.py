"""Do the references of a definition lead somewhere? Names, parameters, properties, files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import PurePosixPath

from kinoloom.pipelines.language.graph import step_references
from kinoloom.pipelines.language.model import Definition, Parameter, PropertyFile, Step
from kinoloom.pipelines.language.problems import Problems, below, suggestion
from kinoloom.pipelines.language.properties import PROPERTIES
from kinoloom.pipelines.language.shapes import is_number, is_whole, told
from kinoloom.pipelines.language.values import (
    EXECUTION_VARIABLES,
    Get,
    JsonGet,
    references,
)


def check_links(definition: Definition, problems: Problems) -> None:
    """Add a problem for each name given twice and each reference that leads nowhere."""
    _check_parameters(definition, problems)
    placed = list(definition.walk())
    _check_unique([(below(p.path, "Name"), p.step.name) for p in placed], "step", problems)
    links = _Links(
        {p.step.name: p.step for p in placed},
        {parameter.name for parameter in definition.parameters},
        problems,
    )
    for one in placed:
        links.check_step(one.step, one.path)
    for path, value in references(definition.experiment or {}, "$.PipelineExperimentConfig"):
        links.check(value, path)


def fits_type(value: object, kind: str) -> bool:
    """Whether a plain value is of a parameter's type; a whole number is a Float too."""
    if kind == "String":
        return isinstance(value, str)
    if kind == "Boolean":
        return isinstance(value, bool)
    return is_whole(value) if kind == "Integer" else is_number(value)


def _check_parameters(definition: Definition, problems: Problems) -> None:
    named = []
    for index, parameter in enumerate(definition.parameters):
        path = below("$.Parameters", index)
        named.append((below(path, "Name"), parameter.name))
        _check_parameter(parameter, path, problems)
    _check_unique(named, "parameter", problems)


def _check_parameter(parameter: Parameter, path: str, problems: Problems) -> None:
    if parameter.enum_values and parameter.type != "String":
        problems.add(below(path, "EnumValues"), f"is for String, not for {parameter.type}")
    default = parameter.default
    if default is None:
        return
    if not fits_type(default, parameter.type):
        problems.add(
            below(path, "DefaultValue"), f"must be of type {parameter.type}, not {told(default)}"
        )
    elif parameter.enum_values and default not in parameter.enum_values:
        allowed = ", ".join(parameter.enum_values)
        problems.add(below(path, "DefaultValue"), f"must be one of {allowed}, not {told(default)}")


def _check_unique(named: list[tuple[str, str]], what: str, problems: Problems) -> None:
    counts = Counter(name for _, name in named)
    seen: set[str] = set()
    for path, name in named:
        if counts[name] > 1 and name in seen:
            problems.add(path, f"another {what} is named '{name}' already")
        seen.add(name)


class _Links:
    """Checks references against what there is to refer to."""

    def __init__(self, steps: Mapping[str, Step], parameters: set[str], problems: Problems) -> None:
        self.steps = steps
        self.parameters = parameters
        self.problems = problems
        self.outputs = {name: step.output_names for name, step in steps.items()}

    def check_step(self, step: Step, path: str) -> None:
        for index, name in enumerate(step.depends_on):
            place = below(below(path, "DependsOn"), index)
            if name not in self.steps:
                self._no_step(place, name)
            elif name == step.name:
                self.problems.add(place, f"'{name}' cannot wait for itself")
        for place, value in step_references(step, path):
            self.check(value, place)
        for index, file in enumerate(step.property_files):
            self._check_file(step, file, below(below(path, "PropertyFiles"), index))
        for index, policy in enumerate(step.retries):
            if (policy.max_attempts is None) == (policy.expire_after_min is None):
                self.problems.add(
                    below(below(path, "RetryPolicies"), index),
                    "must have either 'MaxAttempts' or 'ExpireAfterMin'",
                )

    def check(self, value: Get | JsonGet, path: str) -> None:
        if isinstance(value, JsonGet):
            if value.property_file is not None:
                self._check_property_file(value.property_file, path)
        elif value.kind == "Parameters":
            if value.name not in self.parameters:
                known = suggestion(value.name, self.parameters)
                self.problems.add(path, f"there is no parameter '{value.name}'{known}")
        elif value.kind == "Execution":
            if value.name not in EXECUTION_VARIABLES:
                known = suggestion(value.name, EXECUTION_VARIABLES)
                self.problems.add(path, f"there is no execution variable '{value.name}'{known}")
        else:
            self._check_property(value, path)

    def _no_step(self, path: str, name: str) -> None:
        self.problems.add(path, f"there is no step '{name}'{suggestion(name, self.steps)}")

    def _check_property(self, get: Get, path: str) -> None:
        if get.name not in self.steps:
            self._no_step(path, get.name)
            return
        step = self.steps[get.name]
        member = get.path[0]
        if step.type not in PROPERTIES:
            return
        if member not in PROPERTIES[step.type]:
            known = suggestion(str(member), PROPERTIES[step.type])
            self.problems.add(path, f"a {step.type} step has no property '{member}'{known}")
            return
        output = _output_of(get)
        if output is not None and output not in self.outputs[step.name]:
            known = suggestion(output, self.outputs[step.name])
            self.problems.add(path, f"step '{step.name}' has no output '{output}'{known}")

    def _check_property_file(self, get: Get, path: str) -> None:
        if get.kind != "Steps" or len(get.path) != 2 or get.path[0] != "PropertyFiles":
            self.problems.add(path, f"'{get.text}' is not Steps.STEP.PropertyFiles.NAME")
        elif get.name not in self.steps:
            self._no_step(path, get.name)
        else:
            declared = [file.name for file in self.steps[get.name].property_files]
            if get.path[1] not in declared:
                known = suggestion(str(get.path[1]), declared)
                self.problems.add(
                    path, f"step '{get.name}' has no property file '{get.path[1]}'{known}"
                )

    def _check_file(self, step: Step, file: PropertyFile, path: str) -> None:
        if file.output not in self.outputs[step.name]:
            known = suggestion(file.output, self.outputs[step.name])
            self.problems.add(
                below(path, "OutputName"),
                f"step '{step.name}' has no output '{file.output}'{known}",
            )
        parts = PurePosixPath(file.file)
        if parts.is_absolute() or ".." in parts.parts or not parts.parts:
            self.problems.add(
                below(path, "FilePath"), f"must stay within the output, not {told(file.file)}"
            )


def _output_of(get: Get) -> str | None:
    """The output that a reference names, if it names one."""
    if get.path[0] == "OutputParameters" and len(get.path) > 1:
        return str(get.path[1])
    listed = get.path[:2] == ("ProcessingOutputConfig", "Outputs")
    if listed and len(get.path) > 2 and isinstance(get.path[2], str):
        return get.path[2]
    return None
