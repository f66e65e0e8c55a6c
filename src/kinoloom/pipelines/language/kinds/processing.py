"""Processing steps: a command with inputs and outputs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kinoloom.pipelines.language.shapes import ListOf, MapOf, Record, choice, integer, text
from kinoloom.pipelines.language.step_kind import (
    CACHE_AND_RETRIES,
    NAME,
    SCALAR,
    TEXT,
    URI,
    ServiceJob,
    StepKind,
)

_INPUT = Record(
    {"InputName": TEXT},
    {
        "S3Input": Record(
            {"S3Uri": URI, "S3DataType": choice("S3Prefix", "ManifestFile")},
            {
                "LocalPath": text(r"/.+"),
                "S3InputMode": choice("File", "Pipe"),
                "S3DataDistributionType": choice("FullyReplicated", "ShardedByS3Key"),
                "S3CompressionType": choice("None", "Gzip"),
            },
        )
    },
)
_OUTPUT = Record(
    {"OutputName": text(r"[^/\\']+", literal=True)},
    {
        "S3Output": Record(
            {"S3Uri": URI, "S3UploadMode": choice("EndOfJob", "Continuous")},
            {"LocalPath": text(r"/.+")},
        )
    },
)
REQUEST = Record(
    {
        "ProcessingResources": Record(
            {"ClusterConfig": Record({}, {"InstanceCount": integer(1), "InstanceType": text()})}
        ),
        "AppSpecification": Record(
            {"ImageUri": text()},
            {"ContainerEntrypoint": ListOf(SCALAR), "ContainerArguments": ListOf(SCALAR)},
        ),
        "RoleArn": text(),
    },
    {
        "ProcessingInputs": ListOf(_INPUT),
        "ProcessingOutputConfig": Record({"Outputs": ListOf(_OUTPUT)}),
        "Environment": MapOf(text()),
        "StoppingCondition": Record({"MaxRuntimeInSeconds": integer(1)}),
    },
)
_PROPERTY_FILE = Record(
    {"PropertyFileName": NAME, "OutputName": TEXT, "FilePath": TEXT}, closed=True
)

PROPERTIES = (
    "AppSpecification", "Environment", "ExitMessage", "ExperimentConfig", "NetworkConfig",
    "ProcessingInputs", "ProcessingJobArn", "ProcessingJobName", "ProcessingJobStatus",
    "ProcessingOutputConfig", "ProcessingResources", "RoleArn", "StoppingCondition",
    "CreationTime", "LastModifiedTime", "ProcessingEndTime", "ProcessingStartTime",
)  # fmt: skip


def list_outputs(properties: Mapping[str, Any]) -> dict[str, str]:
    """Return the addresses of the outputs by name."""
    outputs = properties.get("ProcessingOutputConfig", {}).get("Outputs", [])
    return {one["OutputName"]: one["S3Output"]["S3Uri"] for one in outputs}


KINDS = (
    StepKind(
        "Processing",
        REQUEST,
        optional={**CACHE_AND_RETRIES, "PropertyFiles": ListOf(_PROPERTY_FILE, literal=True)},
        properties=PROPERTIES,
        job=ServiceJob(
            "ProcessingJob",
            "ProcessingJobArn",
            "describe_processing_job",
            "ProcessingJobName",
            "ProcessingJobs",
        ),
        outputs=list_outputs,
    ),
)
