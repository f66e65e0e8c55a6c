"""Checks of references and names: parameters, steps, properties and property files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import PurePosixPath

from kinoloom.pipelines.language.graph import iter_step_references
from kinoloom.pipelines.language.kinds import KINDS
from kinoloom.pipelines.language.model import Definition, Parameter, PropertyFile, Step
from kinoloom.pipelines.language.problems import Problems, child_path, suggest
from kinoloom.pipelines.language.shapes import fits_type, format_value
from kinoloom.pipelines.language.values import (
    EXECUTION_VARIABLES,
    Get,
    JsonGet,
    iter_references,
)


def check_references(definition: Definition, problems: Problems) -> None:
    """Add a problem for each repeated name and each reference without a target."""
    _check_parameters(definition, problems)
    placed = list(definition.walk())
    _check_unique([(child_path(p.path, "Name"), p.step.name) for p in placed], "step", problems)
    checker = _Checker(
        {p.step.name: p.step for p in placed},
        {parameter.name for parameter in definition.parameters},
        problems,
    )
    for one in placed:
        checker.check_step(one.step, one.path)
    experiment = definition.experiment or {}
    for path, value in iter_references(experiment, "$.PipelineExperimentConfig"):
        checker.check(value, path)


def _check_parameters(definition: Definition, problems: Problems) -> None:
    named = []
    for index, parameter in enumerate(definition.parameters):
        path = child_path("$.Parameters", index)
        named.append((child_path(path, "Name"), parameter.name))
        _check_parameter(parameter, path, problems)
    _check_unique(named, "parameter", problems)


def _check_parameter(parameter: Parameter, path: str, problems: Problems) -> None:
    if parameter.enum_values and parameter.type != "String":
        problems.add(
            child_path(path, "EnumValues"),
            f"is allowed for String parameters only, not for {parameter.type}",
        )
    default = parameter.default
    if default is None:
        return
    path = child_path(path, "DefaultValue")
    if not fits_type(default, parameter.type):
        problems.add(path, f"must be of type {parameter.type}, not {format_value(default)}")
    elif parameter.enum_values and default not in parameter.enum_values:
        allowed = ", ".join(parameter.enum_values)
        problems.add(path, f"must be one of {allowed}, not {format_value(default)}")


def _check_unique(named: list[tuple[str, str]], noun: str, problems: Problems) -> None:
    counts = Counter(name for _, name in named)
    seen: set[str] = set()
    for path, name in named:
        if counts[name] > 1 and name in seen:
            problems.add(path, f"another {noun} is already named '{name}'")
        seen.add(name)


class _Checker:
    """Checks references against the steps and parameters of a definition."""

    def __init__(self, steps: Mapping[str, Step], parameters: set[str], problems: Problems) -> None:
        self.steps = steps
        self.parameters = parameters
        self.problems = problems
        self.outputs = {name: step.output_names for name, step in steps.items()}

    def check_step(self, step: Step, path: str) -> None:
        for index, name in enumerate(step.depends_on):
            name_path = child_path(child_path(path, "DependsOn"), index)
            if name not in self.steps:
                self._add_unknown_step(name_path, name)
            elif name == step.name:
                self.problems.add(name_path, f"step '{name}' cannot depend on itself")
        for value_path, value in iter_step_references(step, path):
            self.check(value, value_path)
        for index, file in enumerate(step.property_files):
            self._check_file(step, file, child_path(child_path(path, "PropertyFiles"), index))
        for index, policy in enumerate(step.retries):
            if (policy.max_attempts is None) == (policy.expire_after_min is None):
                self.problems.add(
                    child_path(child_path(path, "RetryPolicies"), index),
                    "must have either 'MaxAttempts' or 'ExpireAfterMin'",
                )

    def check(self, value: Get | JsonGet, path: str) -> None:
        if isinstance(value, JsonGet):
            if value.property_file is not None:
                self._check_property_file(value.property_file, path)
        elif value.kind == "Parameters":
            if value.name not in self.parameters:
                remark = suggest(value.name, self.parameters)
                self.problems.add(path, f"unknown parameter '{value.name}'{remark}")
        elif value.kind == "Execution":
            if value.name not in EXECUTION_VARIABLES:
                remark = suggest(value.name, EXECUTION_VARIABLES)
                self.problems.add(path, f"unknown execution variable '{value.name}'{remark}")
        else:
            self._check_property(value, path)

    def _add_unknown_step(self, path: str, name: str) -> None:
        self.problems.add(path, f"unknown step '{name}'{suggest(name, self.steps)}")

    def _check_property(self, get: Get, path: str) -> None:
        if get.name not in self.steps:
            self._add_unknown_step(path, get.name)
            return
        step = self.steps[get.name]
        known = KINDS[step.type].properties
        if known is None:
            return
        member = get.path[0]
        if member not in known:
            remark = suggest(str(member), known)
            self.problems.add(path, f"a {step.type} step has no property '{member}'{remark}")
            return
        output = _output_name(get)
        if output is not None and output not in self.outputs[step.name]:
            self._add_unknown_output(path, step.name, output)

    def _add_unknown_output(self, path: str, step_name: str, output: str) -> None:
        remark = suggest(output, self.outputs[step_name])
        self.problems.add(path, f"step '{step_name}' has no output '{output}'{remark}")

    def _check_property_file(self, get: Get, path: str) -> None:
        if get.kind != "Steps" or len(get.path) != 2 or get.path[0] != "PropertyFiles":
            self.problems.add(path, f"must be Steps.STEP.PropertyFiles.NAME, not '{get.text}'")
        elif get.name not in self.steps:
            self._add_unknown_step(path, get.name)
        else:
            declared = [file.name for file in self.steps[get.name].property_files]
            name = str(get.path[1])
            if name not in declared:
                remark = suggest(name, declared)
                self.problems.add(path, f"step '{get.name}' has no property file '{name}'{remark}")

    def _check_file(self, step: Step, file: PropertyFile, path: str) -> None:
        if file.output not in self.outputs[step.name]:
            self._add_unknown_output(child_path(path, "OutputName"), step.name, file.output)
        parts = PurePosixPath(file.file)
        if parts.is_absolute() or ".." in parts.parts or not parts.parts:
            self.problems.add(
                child_path(path, "FilePath"),
                f"must be a path within the output, not {format_value(file.file)}",
            )


def _output_name(get: Get) -> str | None:
    """Return the name of the output that a reference is about, if any."""
    if get.path[0] == "OutputParameters" and len(get.path) > 1:
        return str(get.path[1])
    in_list = get.path[:2] == ("ProcessingOutputConfig", "Outputs")
    if in_list and len(get.path) > 2 and isinstance(get.path[2], str):
        return get.path[2]
    return None
