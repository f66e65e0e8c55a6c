"""RegisterModel steps: a model registered as a package."""

from __future__ import annotations

from kinoloom.pipelines.language.shapes import Record, choice
from kinoloom.pipelines.language.step_kind import RETRIES, ServiceJob, StepKind

_REQUEST = Record(
    {},
    {
        "ModelApprovalStatus": choice("Approved", "Rejected", "PendingManualApproval"),
        "SkipModelValidation": choice("All", "None"),
    },
)
_PROPERTIES = (
    "AdditionalInferenceSpecifications", "ApprovalDescription", "CertifyForMarketplace",
    "CreationTime", "CustomerMetadataProperties", "Domain", "DriftCheckBaselines",
    "InferenceSpecification", "LastModifiedTime", "MetadataProperties", "ModelApprovalStatus",
    "ModelMetrics", "ModelPackageArn", "ModelPackageDescription", "ModelPackageGroupName",
    "ModelPackageName", "ModelPackageStatus", "ModelPackageStatusDetails", "ModelPackageVersion",
    "SamplePayloadUrl", "SkipModelValidation", "SourceAlgorithmSpecification", "Task",
    "ValidationSpecification",
)  # fmt: skip

KINDS = (
    StepKind(
        "RegisterModel",
        _REQUEST,
        optional=RETRIES,
        properties=_PROPERTIES,
        job=ServiceJob(
            "RegisterModel",
            "ModelPackageArn",
            "describe_model_package",
            "ModelPackageName",
            named_by_arn=True,
        ),
    ),
)
