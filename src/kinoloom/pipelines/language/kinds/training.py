"""Training steps: a script that leaves a model."""

from __future__ import annotations

from kinoloom.pipelines.language.shapes import (
    ListOf,
    MapOf,
    Nullable,
    Record,
    choice,
    integer,
    text,
)
from kinoloom.pipelines.language.step_kind import (
    CACHE_AND_RETRIES,
    SCALAR,
    URI,
    ServiceJob,
    StepKind,
)

_MODE = choice("File", "Pipe", "FastFile")
_CHANNEL = Record(
    {
        "ChannelName": text(r"[A-Za-z0-9._-]+", max_length=64),
        "DataSource": Record({}, {"S3DataSource": Record({"S3DataType": text(), "S3Uri": URI})}),
    },
    {"InputMode": _MODE},
)
_REQUEST = Record(
    {"RoleArn": text(), "OutputDataConfig": Record({"S3OutputPath": Nullable(URI)})},
    {
        "AlgorithmSpecification": Record(
            {"TrainingInputMode": _MODE},
            {"ContainerEntrypoint": ListOf(SCALAR), "ContainerArguments": ListOf(SCALAR)},
        ),
        "HyperParameters": MapOf(text()),
        "InputDataConfig": ListOf(_CHANNEL),
        "Environment": MapOf(text()),
        "ResourceConfig": Record({}, {"InstanceCount": integer(1), "InstanceType": text()}),
        "StoppingCondition": Record({}, {"MaxRuntimeInSeconds": integer(1)}),
    },
)
_PROPERTIES = (
    "AlgorithmSpecification", "BillableTimeInSeconds", "CheckpointConfig", "DebugHookConfig",
    "EnableInterContainerTrafficEncryption", "EnableManagedSpotTraining",
    "EnableNetworkIsolation", "Environment", "ExperimentConfig", "FinalMetricDataList",
    "HyperParameters", "InputDataConfig", "ModelArtifacts", "OutputDataConfig", "ProfilerConfig",
    "ResourceConfig", "RetryStrategy", "RoleArn", "SecondaryStatus", "StoppingCondition",
    "TensorBoardOutputConfig", "TrainingJobArn", "TrainingJobName", "TrainingJobStatus",
    "TrainingTimeInSeconds", "VpcConfig", "CreationTime", "LastModifiedTime", "TrainingEndTime",
    "TrainingStartTime",
)  # fmt: skip

KINDS = (
    StepKind(
        "Training",
        _REQUEST,
        optional=CACHE_AND_RETRIES,
        properties=_PROPERTIES,
        job=ServiceJob(
            "TrainingJob",
            "TrainingJobArn",
            "describe_training_job",
            "TrainingJobName",
            "TrainingJobs",
        ),
        outputs=lambda properties: {"model": properties["ModelArtifacts"]["S3ModelArtifacts"]},
    ),
)
