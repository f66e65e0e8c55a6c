"""Transform steps: a model applied to files."""

from __future__ import annotations

from kinoloom.pipelines.language.shapes import MapOf, Nullable, Record, choice, integer, text
from kinoloom.pipelines.language.step_kind import CACHE_AND_RETRIES, URI, ServiceJob, StepKind

_REQUEST = Record(
    {
        "ModelName": text(),
        "TransformInput": Record(
            {"DataSource": Record({"S3DataSource": Record({"S3Uri": URI})})},
            {"SplitType": choice("None", "Line", "RecordIO", "TFRecord")},
        ),
        "TransformOutput": Record(
            {"S3OutputPath": Nullable(URI)}, {"AssembleWith": choice("None", "Line")}
        ),
        "TransformResources": Record({"InstanceCount": integer(1), "InstanceType": text()}),
    },
    {
        "BatchStrategy": choice("MultiRecord", "SingleRecord"),
        "MaxConcurrentTransforms": integer(0),
        "MaxPayloadInMB": integer(0),
        "Environment": MapOf(text()),
    },
)
_PROPERTIES = (
    "BatchStrategy", "DataCaptureConfig", "DataProcessing", "Environment", "ExperimentConfig",
    "MaxConcurrentTransforms", "MaxPayloadInMB", "ModelClientConfig", "ModelName",
    "TransformInput", "TransformJobArn", "TransformJobName", "TransformJobStatus",
    "TransformOutput", "TransformResources", "CreationTime", "TransformEndTime",
    "TransformStartTime",
)  # fmt: skip

KINDS = (
    StepKind(
        "Transform",
        _REQUEST,
        optional=CACHE_AND_RETRIES,
        properties=_PROPERTIES,
        job=ServiceJob(
            "TransformJob",
            "TransformJobArn",
            "describe_transform_job",
            "TransformJobName",
            "TransformJobs",
        ),
        outputs=lambda properties: {"transform": properties["TransformOutput"]["S3OutputPath"]},
    ),
)
