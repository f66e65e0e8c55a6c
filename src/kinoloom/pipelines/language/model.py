"""A pipeline definition as frozen dataclasses.

`Definition.from_json(raw)` takes checked JSON (see `load`), `to_json()` gives it back: equal to
what was read, but for optional lists that were there and empty (`DependsOn`, `RetryPolicies`,
`PropertyFiles`), which are left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from kinoloom.pipelines.language.conditions import Condition, parse_condition
from kinoloom.pipelines.language.grammar import DURATION, VERSION
from kinoloom.pipelines.language.problems import below
from kinoloom.pipelines.language.values import Value, parse_value, to_json

_STEP_WORDS = (
    "Name", "Type", "Arguments", "DependsOn", "DisplayName", "Description", "CacheConfig",
    "RetryPolicies", "PropertyFiles",
)  # fmt: skip
_TOP_WORDS = ("Version", "Metadata", "Parameters", "PipelineExperimentConfig", "Steps")


@dataclass(frozen=True)
class Parameter:
    """A value that is given when an execution starts.

    Attributes:
        name: what `Parameters.NAME` refers to.
        type: "String", "Integer", "Float" or "Boolean".
        default: its value when none is given; None means that one must be.
        enum_values: the values allowed; empty allows all.
    """

    name: str
    type: str
    default: str | int | float | bool | None = None
    enum_values: tuple[str, ...] = ()

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Parameter:
        """Of checked JSON."""
        enum = tuple(raw.get("EnumValues", ()))
        return cls(raw["Name"], raw["Type"], raw.get("DefaultValue"), enum)

    def to_json(self) -> dict[str, Any]:
        """As it stands in a definition."""
        made: dict[str, Any] = {"Name": self.name, "Type": self.type}
        if self.default is not None:
            made["DefaultValue"] = self.default
        if self.enum_values:
            made["EnumValues"] = list(self.enum_values)
        return made


@dataclass(frozen=True)
class Cache:
    """Whether a step may take over the outputs of an earlier equal one.

    Attributes:
        enabled: whether it may.
        expire_after: for how long, an ISO 8601 duration such as "P30D"; "" for ever.
    """

    enabled: bool
    expire_after: str = ""

    @property
    def lifetime(self) -> timedelta | None:
        """How old an outcome may be; None for any age."""
        match = re.fullmatch(DURATION, self.expire_after)
        if not self.expire_after or match is None:
            return None
        parts = {name: int(digits[:-1]) for name, digits in match.groupdict().items() if digits}
        return timedelta(**parts)

    def to_json(self) -> dict[str, Any]:
        """As it stands in a definition."""
        made: dict[str, Any] = {"Enabled": self.enabled}
        return {**made, "ExpireAfter": self.expire_after} if self.expire_after else made


@dataclass(frozen=True)
class RetryPolicy:
    """When and how often a failed step is tried again.

    Attributes:
        exceptions: the classes of failure that it is for.
        backoff_rate: each wait is this many times the one before; None is 2.
        interval_s: the first wait; None is 1 s.
        max_attempts: how many more attempts, 1 to 20; None where `expire_after_min` is given.
        expire_after_min: no attempt begins later than this after the first failure, in minutes.
    """

    exceptions: tuple[str, ...]
    backoff_rate: float | None = None
    interval_s: int | None = None
    max_attempts: int | None = None
    expire_after_min: int | None = None

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> RetryPolicy:
        """Of checked JSON."""
        keys = ("BackoffRate", "IntervalSeconds", "MaxAttempts", "ExpireAfterMin")
        return cls(tuple(raw["ExceptionType"]), *(raw.get(key) for key in keys))

    def to_json(self) -> dict[str, Any]:
        """As it stands in a definition."""
        made = {
            "BackoffRate": self.backoff_rate,
            "IntervalSeconds": self.interval_s,
            "MaxAttempts": self.max_attempts,
            "ExpireAfterMin": self.expire_after_min,
            "ExceptionType": list(self.exceptions),
        }
        return {key: value for key, value in made.items() if value is not None}

    def wait_s(self, attempt: int) -> float:
        """How long to wait after failed attempt number `attempt` (from 1)."""
        first = 1 if self.interval_s is None else self.interval_s
        rate = 2.0 if self.backoff_rate is None else self.backoff_rate
        return float(first * rate ** (attempt - 1))


@dataclass(frozen=True)
class PropertyFile:
    """A JSON file among a step's outputs, from which later steps take single values.

    Attributes:
        name: what `Steps.S.PropertyFiles.NAME` refers to.
        output: the name of the output that holds it.
        file: its path within that output.
    """

    name: str
    output: str
    file: str

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> PropertyFile:
        """Of checked JSON."""
        return cls(raw["PropertyFileName"], raw["OutputName"], raw["FilePath"])

    def to_json(self) -> dict[str, Any]:
        """As it stands in a definition."""
        return {
            "PropertyFileName": self.name, "OutputName": self.output, "FilePath": self.file
        }  # fmt: skip


@dataclass(frozen=True)
class Branches:
    """What a Condition step chooses between.

    Attributes:
        conditions: all must hold for `if_steps`; else `else_steps` run.
        if_steps, else_steps: the steps, possibly Conditions themselves.
    """

    conditions: tuple[Condition, ...]
    if_steps: tuple[Step, ...]
    else_steps: tuple[Step, ...]

    def to_json(self) -> dict[str, Any]:
        """As the arguments of the step."""
        return {
            "Conditions": [condition.to_json() for condition in self.conditions],
            "IfSteps": [step.to_json() for step in self.if_steps],
            "ElseSteps": [step.to_json() for step in self.else_steps],
        }


@dataclass(frozen=True)
class Step:
    """One step.

    Attributes:
        name: unique in the definition, within branches too.
        type: one of `grammar.STEP_TYPES`.
        arguments: the request to the service, or what a Lambda, Callback or Fail is told; empty
            for a Condition.
        branches: what a Condition chooses between; None for all other types.
        depends_on: names of steps that must end before it.
        display_name, description: for people; "" when not given.
        cache: the step's own choice; None when it makes none.
        retries: tried in order; the first whose class fits decides.
        property_files: JSON files among its outputs.
        more: the words of its type beyond these (FunctionArn, OutputParameters, CheckType, ...).
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
        """Of checked JSON."""
        choice = raw["Type"] == "Condition"
        cache = raw.get("CacheConfig")
        return cls(
            name=raw["Name"],
            type=raw["Type"],
            arguments={} if choice else _values(raw["Arguments"]),
            branches=_branches(raw["Arguments"]) if choice else None,
            depends_on=tuple(raw.get("DependsOn", ())),
            display_name=raw.get("DisplayName", ""),
            description=raw.get("Description", ""),
            cache=None if cache is None else Cache(cache["Enabled"], cache.get("ExpireAfter", "")),
            retries=tuple(RetryPolicy.from_json(item) for item in raw.get("RetryPolicies", ())),
            property_files=tuple(
                PropertyFile.from_json(item) for item in raw.get("PropertyFiles", ())
            ),
            more=_values({key: raw[key] for key in raw if key not in _STEP_WORDS}),
        )

    def to_json(self) -> dict[str, Any]:
        """As it stands in a definition."""
        made: dict[str, Any] = {"Name": self.name, "Type": self.type}
        made["Arguments"] = self.branches.to_json() if self.branches else to_json(self.arguments)
        optional: dict[str, Any] = {
            "DependsOn": list(self.depends_on),
            "DisplayName": self.display_name,
            "Description": self.description,
            "CacheConfig": self.cache.to_json() if self.cache else None,
            "RetryPolicies": [policy.to_json() for policy in self.retries],
            "PropertyFiles": [file.to_json() for file in self.property_files],
        }
        made.update({key: value for key, value in optional.items() if value})
        made.update({key: to_json(value) for key, value in self.more.items()})
        return made

    @property
    def output_names(self) -> tuple[str, ...]:
        """Of a Processing step's outputs, or of the answers of a Lambda or Callback."""
        listed = self.more.get("OutputParameters")
        if listed is None:
            config = self.arguments.get("ProcessingOutputConfig")
            listed = config.get("Outputs") if isinstance(config, Mapping) else None
        outputs = listed if isinstance(listed, tuple) else ()
        return tuple(str(output["OutputName"]) for output in outputs)


@dataclass(frozen=True)
class Definition:
    """A whole pipeline definition.

    Attributes:
        steps: in the order of their listing, which means nothing.
        parameters: what an execution may be given.
        metadata: free; kept as it is.
        experiment: names of experiment and trial, or None.
        more: what version 3 of the SDK adds at the top (MlflowConfig).
    """

    steps: tuple[Step, ...]
    parameters: tuple[Parameter, ...] = ()
    metadata: Mapping[str, Value] = field(default_factory=dict)
    experiment: Mapping[str, Value] | None = None
    more: Mapping[str, Value] = field(default_factory=dict)

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Definition:
        """Of checked JSON."""
        experiment = raw.get("PipelineExperimentConfig")
        return cls(
            steps=tuple(Step.from_json(item) for item in raw["Steps"]),
            parameters=tuple(Parameter.from_json(item) for item in raw.get("Parameters", ())),
            metadata=_values(raw.get("Metadata", {})),
            experiment=None if experiment is None else _values(experiment),
            more=_values({key: raw[key] for key in raw if key not in _TOP_WORDS}),
        )

    def to_json(self) -> dict[str, Any]:
        """The definition as JSON can hold it."""
        made = {
            "Version": VERSION,
            "Metadata": to_json(self.metadata),
            "Parameters": [parameter.to_json() for parameter in self.parameters],
            "PipelineExperimentConfig": to_json(self.experiment),
            "Steps": [step.to_json() for step in self.steps],
        }
        return {**made, **{key: to_json(value) for key, value in self.more.items()}}

    def walk(self) -> Iterator[Placed]:
        """Each step with its place, those within branches too."""
        yield from _walk(self.steps, "$.Steps", "", chosen=True)


@dataclass(frozen=True)
class Placed:
    """A step and where it stands.

    Attributes:
        path: its JSON path.
        step: the step.
        condition: the name of the Condition that chooses it, or "" for one at the top.
        chosen: the outcome of that Condition for which it runs; true at the top.
    """

    path: str
    step: Step
    condition: str
    chosen: bool


def _walk(steps: tuple[Step, ...], path: str, parent: str, *, chosen: bool) -> Iterator[Placed]:
    for index, step in enumerate(steps):
        place = below(path, index)
        yield Placed(place, step, parent, chosen)
        if step.branches is not None:
            inside = below(place, "Arguments")
            yes, no = step.branches.if_steps, step.branches.else_steps
            yield from _walk(yes, below(inside, "IfSteps"), step.name, chosen=True)
            yield from _walk(no, below(inside, "ElseSteps"), step.name, chosen=False)


def _values(raw: Mapping[str, Any]) -> dict[str, Value]:
    return {key: parse_value(item) for key, item in raw.items()}


def _branches(raw: Mapping[str, Any]) -> Branches:
    return Branches(
        tuple(parse_condition(item) for item in raw["Conditions"]),
        tuple(Step.from_json(item) for item in raw["IfSteps"]),
        tuple(Step.from_json(item) for item in raw["ElseSteps"]),
    )
