"""The grammar of pipeline definitions, version 2020-12-01.

The language's own keys (of steps, conditions, parameters, policies) are closed: an unknown key is a
problem. The arguments of a step are requests of the service's API: their required members are
checked, further members are allowed.

Sources: definitions written by the SageMaker Python SDK 2.257.7; its modules workflow.steps,
.retry, .conditions, .parameters; required members, enums and described members from botocore's
model of `sagemaker` 2017-07-24.
"""

from __future__ import annotations

from kinoloom.pipelines.language.constants import PARAMETER_TYPES, VERSION
from kinoloom.pipelines.language.kinds import KINDS
from kinoloom.pipelines.language.shapes import (
    ListOf,
    MapOf,
    Nullable,
    Record,
    Scalar,
    choice,
    text,
)
from kinoloom.pipelines.language.step_kind import SCALAR, STEP, TEXT

STEP.shapes.update({name: kind.shape() for name, kind in KINDS.items()})

_PARAMETER = Record(
    {
        "Name": text(r"[A-Za-z0-9_-]+", max_length=256, literal=True),
        "Type": choice(*PARAMETER_TYPES, literal=True),
    },
    {
        "DefaultValue": Scalar(SCALAR.description, SCALAR.accepts, literal=True),
        "EnumValues": ListOf(TEXT, min_length=1, literal=True),
    },
    closed=True,
)
DEFINITION = Record(
    {"Version": choice(VERSION, literal=True), "Steps": ListOf(STEP, literal=True)},
    {
        "Metadata": MapOf(),
        "Parameters": ListOf(_PARAMETER, literal=True),
        "PipelineExperimentConfig": Nullable(
            Record({}, {"ExperimentName": text(), "TrialName": text()}, closed=True)
        ),
        "MlflowConfig": Nullable(MapOf()),
    },
    closed=True,
)
