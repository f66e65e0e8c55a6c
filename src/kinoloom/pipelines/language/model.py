"""A pipeline definition as frozen dataclasses.

`Definition.from_json(raw)` reads checked JSON (see `load`); `to_json()` returns equal JSON, except
that empty optional lists (`DependsOn`, `RetryPolicies`, `PropertyFiles`) are omitted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from kinoloom.pipelines.language.conditions import Condition, parse_condition
from kinoloom.pipelines.language.constants import DURATION, VERSION
from kinoloom.pipelines.language.problems import child_path
from kinoloom.pipelines.language.values import Value, parse_value, to_json

_STEP_KEYS = (
    "Name", "Type", "Arguments", "DependsOn", "DisplayName", "Description", "CacheConfig",
    "RetryPolicies", "PropertyFiles",
)  # fmt: skip
_TOP_KEYS = ("Version", "Metadata", "Parameters", "PipelineExperimentConfig", "Steps")


@dataclass(frozen=True)
class Parameter:
    """A value that is passed when an execution starts.

    Attributes:
        name: NAME in `Parameters.NAME`.
        type: "String", "Integer", "Float" or "Boolean".
        default: The value if none is passed; None means that a value is required.
        enum_values: The allowed values; empty allows all.
    """

    name: str
    type: str
    default: str | int | float | bool | None = None
    enum_values: tuple[str, ...] = ()

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Parameter:
        """Read checked JSON."""
        enum = tuple(raw.get("EnumValues", ()))
        return cls(raw["Name"], raw["Type"], raw.get("DefaultValue"), enum)

    def to_json(self) -> dict[str, Any]:
        """Return its JSON in a definition."""
        result: dict[str, Any] = {"Name": self.name, "Type": self.type}
        if self.default is not None:
            result["DefaultValue"] = self.default
        if self.enum_values:
            result["EnumValues"] = list(self.enum_values)
        return result


@dataclass(frozen=True)
class Cache:
    """Whether a step may reuse the outputs of an earlier, equal step.

    Attributes:
        enabled: Whether it may.
        expire_after: The maximum age of reused outputs, an ISO 8601 duration such as "P30D"; ""
            means no limit.
    """

    enabled: bool
    expire_after: str = ""

    @property
    def max_age(self) -> timedelta | None:
        """The maximum age of reused outputs; None means no limit."""
        match = re.fullmatch(DURATION, self.expire_after)
        if not self.expire_after or match is None:
            return None
        parts = {name: int(digits[:-1]) for name, digits in match.groupdict().items() if digits}
        return timedelta(**parts)

    def to_json(self) -> dict[str, Any]:
        """Return its JSON in a definition."""
        result: dict[str, Any] = {"Enabled": self.enabled}
        return {**result, "ExpireAfter": self.expire_after} if self.expire_after else result


@dataclass(frozen=True)
class RetryPolicy:
    """When and how often a failed step is retried.

    Attributes:
        exceptions: The failures that are retried.
        backoff_rate: The factor from one delay to the next; None means 2.
        interval_s: The first delay in seconds; None means 1.
        max_attempts: The maximum number of retries, 1 to 20; or None.
        expire_after_min: Retry for this many minutes after the first failure; or None.
    """

    exceptions: tuple[str, ...]
    backoff_rate: float | None = None
    interval_s: int | None = None
    max_attempts: int | None = None
    expire_after_min: int | None = None

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> RetryPolicy:
        """Read checked JSON."""
        keys = ("BackoffRate", "IntervalSeconds", "MaxAttempts", "ExpireAfterMin")
        return cls(tuple(raw["ExceptionType"]), *(raw.get(key) for key in keys))

    def to_json(self) -> dict[str, Any]:
        """Return its JSON in a definition."""
        result = {
            "BackoffRate": self.backoff_rate,
            "IntervalSeconds": self.interval_s,
            "MaxAttempts": self.max_attempts,
            "ExpireAfterMin": self.expire_after_min,
            "ExceptionType": list(self.exceptions),
        }
        return {key: value for key, value in result.items() if value is not None}

    def delay_s(self, attempt: int) -> float:
        """Return the delay in seconds after failed attempt number `attempt` (from 1)."""
        first = 1 if self.interval_s is None else self.interval_s
        rate = 2.0 if self.backoff_rate is None else self.backoff_rate
        return float(first * rate ** (attempt - 1))


@dataclass(frozen=True)
class PropertyFile:
    """A JSON file in a step's outputs; `JsonGet` takes single values from it.

    Attributes:
        name: NAME in `Steps.S.PropertyFiles.NAME`.
        output: The name of the output that has the file.
        file: The file's path within the output.
    """

    name: str
    output: str
    file: str

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> PropertyFile:
        """Read checked JSON."""
        return cls(raw["PropertyFileName"], raw["OutputName"], raw["FilePath"])

    def to_json(self) -> dict[str, Any]:
        """Return its JSON in a definition."""
        return {
            "PropertyFileName": self.name, "OutputName": self.output, "FilePath": self.file
        }  # fmt: skip


@dataclass(frozen=True)
class Branches:
    """The branches of a Condition step.

    Attributes:
        conditions: If all are true, `if_steps` run, otherwise `else_steps`.
        if_steps, else_steps: The steps of the branches.
    """

    conditions: tuple[Condition, ...]
    if_steps: tuple[Step, ...]
    else_steps: tuple[Step, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the JSON of the step's arguments."""
        return {
            "Conditions": [condition.to_json() for condition in self.conditions],
            "IfSteps": [step.to_json() for step in self.if_steps],
            "ElseSteps": [step.to_json() for step in self.else_steps],
        }


@dataclass(frozen=True)
class Step:
    """A step.

    Attributes:
        name: Unique in the definition, branches included.
        type: The name of its kind; see `kinds`.
        arguments: The request to the service, or the arguments of a Lambda, Callback or Fail
            step; empty for a Condition step.
        branches: The branches of a Condition step; None for all other types.
        depends_on: Names of steps that must finish first.
        display_name, description: Shown to people; "" if not given.
        cache: The step's cache setting; None if it has none.
        retries: The first policy that covers a failure decides.
        property_files: JSON files in its outputs.
        more: Further keys of its type (FunctionArn, OutputParameters, CheckType, ...).
    """

    name: str
    type: str
    arguments: Mapping[str, Value] = field(default_factory=dict)
    branches: Branches | None = None
    depends_on: tuple[str, ...] = ()
    display_name: str = ""
    description: str = ""
    cache: Cache | None = None
    retries: tuple[RetryPolicy, ...] = ()
    property_files: tuple[PropertyFile, ...] = ()
    more: Mapping[str, Value] = field(default_factory=dict)

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Step:
        """Read checked JSON."""
        is_condition = raw["Type"] == "Condition"
        cache = raw.get("CacheConfig")
        return cls(
            name=raw["Name"],
            type=raw["Type"],
            arguments={} if is_condition else _values(raw["Arguments"]),
            branches=_branches(raw["Arguments"]) if is_condition else None,
            depends_on=tuple(raw.get("DependsOn", ())),
            display_name=raw.get("DisplayName", ""),
            description=raw.get("Description", ""),
            cache=None if cache is None else Cache(cache["Enabled"], cache.get("ExpireAfter", "")),
            retries=tuple(RetryPolicy.from_json(item) for item in raw.get("RetryPolicies", ())),
            property_files=tuple(
                PropertyFile.from_json(item) for item in raw.get("PropertyFiles", ())
            ),
            more=_values({key: raw[key] for key in raw if key not in _STEP_KEYS}),
        )

    def to_json(self) -> dict[str, Any]:
        """Return its JSON in a definition."""
        result: dict[str, Any] = {"Name": self.name, "Type": self.type}
        result["Arguments"] = self.branches.to_json() if self.branches else to_json(self.arguments)
        optional: dict[str, Any] = {
            "DependsOn": list(self.depends_on),
            "DisplayName": self.display_name,
            "Description": self.description,
            "CacheConfig": self.cache.to_json() if self.cache else None,
            "RetryPolicies": [policy.to_json() for policy in self.retries],
            "PropertyFiles": [file.to_json() for file in self.property_files],
        }
        result.update({key: value for key, value in optional.items() if value})
        result.update({key: to_json(value) for key, value in self.more.items()})
        return result

    @property
    def output_names(self) -> tuple[str, ...]:
        """The names of a Processing, Lambda or Callback step's outputs."""
        listed = self.more.get("OutputParameters")
        if listed is None:
            config = self.arguments.get("ProcessingOutputConfig")
            listed = config.get("Outputs") if isinstance(config, Mapping) else None
        outputs = listed if isinstance(listed, tuple) else ()
        return tuple(str(one["OutputName"]) for one in outputs if isinstance(one, Mapping))


@dataclass(frozen=True)
class Definition:
    """A pipeline definition.

    Attributes:
        steps: The steps at the top level; their order has no meaning.
        parameters: The parameters of executions.
        metadata: Arbitrary; kept as it is.
        experiment: The names of experiment and trial, or None.
        more: Further keys, from version 3 of the SDK (MlflowConfig).
    """

    steps: tuple[Step, ...]
    parameters: tuple[Parameter, ...] = ()
    metadata: Mapping[str, Value] = field(default_factory=dict)
    experiment: Mapping[str, Value] | None = None
    more: Mapping[str, Value] = field(default_factory=dict)

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Definition:
        """Read checked JSON."""
        experiment = raw.get("PipelineExperimentConfig")
        return cls(
            steps=tuple(Step.from_json(item) for item in raw["Steps"]),
            parameters=tuple(Parameter.from_json(item) for item in raw.get("Parameters", ())),
            metadata=_values(raw.get("Metadata", {})),
            experiment=None if experiment is None else _values(experiment),
            more=_values({key: raw[key] for key in raw if key not in _TOP_KEYS}),
        )

    def to_json(self) -> dict[str, Any]:
        """Return the definition as plain JSON."""
        result = {
            "Version": VERSION,
            "Metadata": to_json(self.metadata),
            "Parameters": [parameter.to_json() for parameter in self.parameters],
            "PipelineExperimentConfig": to_json(self.experiment),
            "Steps": [step.to_json() for step in self.steps],
        }
        return {**result, **{key: to_json(value) for key, value in self.more.items()}}

    def walk(self) -> Iterator[Placed]:
        """Yield each step, those in branches included, with its position."""
        yield from _walk(self.steps, "$.Steps", "", outcome=True)


@dataclass(frozen=True)
class Placed:
    """A step and its position.

    Attributes:
        path: Its JSON path.
        step: The step.
        condition: The name of the Condition step whose branch has it; "" at the top level.
        outcome: The outcome of that Condition step for which it runs; true at the top level.
    """

    path: str
    step: Step
    condition: str
    outcome: bool


def _walk(steps: tuple[Step, ...], path: str, condition: str, *, outcome: bool) -> Iterator[Placed]:
    for index, step in enumerate(steps):
        step_path = child_path(path, index)
        yield Placed(step_path, step, condition, outcome)
        if step.branches is not None:
            arguments = child_path(step_path, "Arguments")
            if_path, else_path = (child_path(arguments, key) for key in ("IfSteps", "ElseSteps"))
            yield from _walk(step.branches.if_steps, if_path, step.name, outcome=True)
            yield from _walk(step.branches.else_steps, else_path, step.name, outcome=False)


def _values(raw: Mapping[str, Any]) -> dict[str, Value]:
    return {key: parse_value(item) for key, item in raw.items()}


def _branches(raw: Mapping[str, Any]) -> Branches:
    return Branches(
        tuple(parse_condition(item) for item in raw["Conditions"]),
        tuple(Step.from_json(item) for item in raw["IfSteps"]),
        tuple(Step.from_json(item) for item in raw["ElseSteps"]),
    )
