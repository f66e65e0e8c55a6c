"""Registering models: the request that puts them into the registry as one package."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kinoloom.errors import UsageError
from kinoloom.pipelines.compiling import Compiling
from kinoloom.pipelines.model import Model, ModelArguments
from kinoloom.pipelines.model_metrics import ModelMetrics
from kinoloom.pipelines.workflow.entities import PipelineVariable, given, plain_of


def register_models(
    models: tuple[Model, ...],
    content_types: Sequence[str | PipelineVariable] | None = None,
    response_types: Sequence[str | PipelineVariable] | None = None,
    inference_instances: Sequence[str | PipelineVariable] | None = None,
    transform_instances: Sequence[str | PipelineVariable] | None = None,
    model_package_name: str | PipelineVariable | None = None,
    model_package_group_name: str | PipelineVariable | None = None,
    image_uri: str | PipelineVariable | None = None,
    model_metrics: ModelMetrics | None = None,
    metadata_properties: Any = None,
    marketplace_cert: bool = False,
    approval_status: str | PipelineVariable | None = None,
    description: str | None = None,
    drift_check_baselines: Any = None,
    customer_metadata_properties: Mapping[str, str | PipelineVariable] | None = None,
    domain: str | None = None,
    task: str | None = None,
    sample_payload_url: str | None = None,
    skip_model_validation: str | PipelineVariable | None = None,
    framework: str | None = None,
    framework_version: str | None = None,
    nearest_model_name: str | None = None,
    data_input_configuration: str | None = None,
    source_uri: str | None = None,
) -> ModelArguments:
    """The `step_args` of a `ModelStep` that registers models as one package.

    Args:
        models: in the order in which they are applied.
        content_types, response_types: what it takes and gives, as media types.
        inference_instances, transform_instances: machines that it may be served on.
        model_package_name, model_package_group_name: one of the two; a group counts versions.
        image_uri: in place of the models' own.
        model_metrics: addresses of what was measured.
        metadata_properties, drift_check_baselines: objects whose `to_request()` or, where
            there is none, plain JSON is kept in the definition.
        marketplace_cert: kept in the definition when true.
        approval_status: "PendingManualApproval" (the service's choice when None), "Approved"
            or "Rejected".
        description: for people.
        customer_metadata_properties: free.
        domain, task, sample_payload_url: kept in the definition.
        skip_model_validation: "None", the usual, or "All".
        framework, framework_version, nearest_model_name, data_input_configuration: of the
            containers; kept in the definition.
        source_uri: kept in the definition.

    Raises:
        UsageError: both or none of the two names are given.
    """
    if (model_package_name is None) == (model_package_group_name is None):
        raise UsageError("register() takes a model_package_name or a model_package_group_name.")

    told = given(
        Framework=framework,
        FrameworkVersion=framework_version,
        NearestModelName=nearest_model_name,
        ModelInput={"DataInputConfig": data_input_configuration}
        if data_input_configuration
        else None,
    )

    def make(compiling: Compiling, data: Sequence[Any]) -> dict[str, Any]:
        containers = [
            {**one.registered(compiling, archive), **told}
            for one, archive in zip(models, data, strict=True)
        ]
        if image_uri is not None:
            containers = [{**one, "Image": image_uri} for one in containers]
        supported = {
            "SupportedContentTypes": content_types,
            "SupportedResponseMIMETypes": response_types,
            "SupportedRealtimeInferenceInstanceTypes": inference_instances,
            "SupportedTransformInstanceTypes": transform_instances,
        }
        optional = {
            "ModelPackageName": model_package_name,
            "ModelPackageGroupName": model_package_group_name,
            "ModelPackageDescription": description,
            "ModelMetrics": model_metrics.to_request() if model_metrics else None,
            "MetadataProperties": plain_of(metadata_properties),
            "DriftCheckBaselines": plain_of(drift_check_baselines),
            "CustomerMetadataProperties": customer_metadata_properties,
            "Domain": domain,
            "Task": task,
            "SamplePayloadUrl": sample_payload_url,
            "CertifyForMarketplace": marketplace_cert or None,
            "SourceUri": source_uri,
        }
        return {
            **{key: value for key, value in optional.items() if value is not None},
            "InferenceSpecification": {
                "Containers": containers,
                **{key: list(value) for key, value in supported.items() if value},
            },
            "ModelApprovalStatus": approval_status or "PendingManualApproval",
            "SkipModelValidation": skip_model_validation or "None",
        }

    return ModelArguments("RegisterModel", models, make)
