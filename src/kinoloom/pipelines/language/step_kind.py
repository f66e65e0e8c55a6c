"""The declaration of a step kind, and the shapes that several kinds share.

Each module in `kinds` declares kinds in its tuple `KINDS`; `kinds.KINDS` lists all of them by type.
How a kind runs on this machine is in the module of the same name in `local/kinds`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from kinoloom.pipelines.language.constants import DURATION, PARAMETER_TYPES, RETRY_EXCEPTIONS
from kinoloom.pipelines.language.shapes import (
    ANYTHING,
    ListOf,
    Record,
    Scalar,
    Shape,
    Tagged,
    boolean,
    choice,
    integer,
    number,
    text,
)


@dataclass(frozen=True)
class ServiceJob:
    """How the service's API names the job of a step.

    Attributes:
        metadata: The key of the step's metadata in ListPipelineExecutionSteps.
        arn: The member with the ARN in the job's description.
        describe: The boto3 method that describes the job.
        name: The member of its request that names the job.
        log_group: The last part of the job's CloudWatch log group; "" if it has no logs.
        named_by_arn: Whether the request takes the whole ARN instead of its last part.
    """

    metadata: str
    arn: str
    describe: str
    name: str
    log_group: str = ""
    named_by_arn: bool = False


@dataclass(frozen=True)
class StepKind:
    """A step kind: its grammar, its properties and its job on the service.

    Attributes:
        type: The value of the step's key Type.
        arguments: The shape of the step's arguments.
        required, optional: Shapes of further keys of the step.
        properties: The first members of its properties, which later steps can take; None if they
            are not checked.
        job: Its job on the service; None if it has none.
        outputs: Returns the addresses of its outputs by name, from its properties; None if its
            result is something else.
    """

    type: str
    arguments: Shape
    required: Mapping[str, Shape] = field(default_factory=dict)
    optional: Mapping[str, Shape] = field(default_factory=dict)
    properties: tuple[str, ...] | None = None
    job: ServiceJob | None = None
    outputs: Callable[[Mapping[str, Any]], dict[str, str]] | None = None

    def shape(self) -> Record:
        """Return the shape of the step."""
        common: dict[str, Shape] = {"Name": NAME, "Type": ANYTHING}
        common["Arguments"] = self.arguments
        return Record({**common, **self.required}, {**_DESCRIPTION, **self.optional}, closed=True)


NAME = text(r"[A-Za-z0-9_-]+", max_length=64, literal=True)
TEXT = text(literal=True)
SCALAR = Scalar("text, a number, true or false", lambda r: isinstance(r, str | bool | int | float))
URI = text(r"(s3|https?|file)://.+")
STEP = Tagged("Type")
"""Any step; `grammar` adds the shapes of all kinds."""

_DESCRIPTION: dict[str, Shape] = {
    "DependsOn": ListOf(NAME, literal=True),
    "DisplayName": text(max_length=256, literal=True),
    "Description": TEXT,
}
CACHE: dict[str, Shape] = {
    "CacheConfig": Record(
        {"Enabled": boolean(literal=True)},
        {"ExpireAfter": text(DURATION, literal=True)},
        closed=True,
    )
}
_RETRY_POLICY = Record(
    {"ExceptionType": ListOf(choice(*RETRY_EXCEPTIONS, literal=True), min_length=1, literal=True)},
    {
        "BackoffRate": number(0, literal=True),
        "IntervalSeconds": integer(0, literal=True),
        "MaxAttempts": integer(1, 20, literal=True),
        "ExpireAfterMin": integer(1, 14400, literal=True),
    },
    closed=True,
)
RETRIES: dict[str, Shape] = {"RetryPolicies": ListOf(_RETRY_POLICY, literal=True)}
OUTPUT_PARAMETERS: dict[str, Shape] = {
    "OutputParameters": ListOf(
        Record(
            {"OutputName": TEXT, "OutputType": choice(*PARAMETER_TYPES, literal=True)}, closed=True
        ),
        literal=True,
    )
}
CACHE_AND_RETRIES = {**CACHE, **RETRIES}
