"""Model steps: a model created from an archive and an image."""

from __future__ import annotations

from kinoloom.pipelines.language.shapes import Record
from kinoloom.pipelines.language.step_kind import RETRIES, ServiceJob, StepKind

_PROPERTIES = (
    "Containers", "CreationTime", "EnableNetworkIsolation", "ExecutionRoleArn",
    "InferenceExecutionConfig", "ModelArn", "ModelName", "PrimaryContainer", "VpcConfig",
)  # fmt: skip

KINDS = (
    StepKind(
        "Model",
        Record(),
        optional=RETRIES,
        properties=_PROPERTIES,
        job=ServiceJob("Model", "ModelArn", "describe_model", "ModelName"),
    ),
)
