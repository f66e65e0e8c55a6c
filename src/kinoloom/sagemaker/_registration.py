"""Registration of models: the request that adds them to the model registry as one package."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from kinoloom.errors import UsageError
from kinoloom.pipelines.builder.context import CompileContext
from kinoloom.pipelines.builder.variables import PipelineVariable, omit_none, to_request
from kinoloom.sagemaker.model_metrics import ModelMetrics


class PackagedModel(Protocol):
    """A model that can be part of a package."""

    def package_container(self, context: CompileContext, data: Any) -> dict[str, Any]:
        """Return the container definition with the archive at the address `data`."""


@dataclass(frozen=True)
class ModelArguments:
    """The arguments of a model's `create()` or `register()`, for a `ModelStep`.

    Attributes:
        step_type: "Model" or "RegisterModel".
        models: The models, in the order in which they are applied.
        build: Builds the request from the addresses of the models' archives.
    """

    step_type: str
    models: tuple[Any, ...]
    build: Callable[[CompileContext, Sequence[Any]], dict[str, Any]]


@dataclass(frozen=True)
class PackageSettings:
    """The arguments of `Model.register`, in the SDK's order.

    Attributes:
        content_types, response_types: Media types of requests and responses.
        inference_instances, transform_instances: Instance types that can serve the package.
        model_package_name, model_package_group_name: One of the two; a group numbers its versions.
        image_uri: Replaces the models' own images.
        model_metrics: Addresses of the models' metrics.
        metadata_properties, drift_check_baselines: Objects with `to_request()`, or plain JSON.
        marketplace_cert: Whether the package is certified for the AWS Marketplace.
        approval_status: "PendingManualApproval" (the default), "Approved" or "Rejected".
        description: A description.
        customer_metadata_properties: Arbitrary names and values.
        domain, task, sample_payload_url, source_uri: Kept in the definition.
        skip_model_validation: "None" (the default) or "All".
        framework, framework_version, nearest_model_name, data_input_configuration: Members of each
            container.

    Raises:
        UsageError: Neither or both of the two names are given.
    """

    content_types: Sequence[str | PipelineVariable] | None = None
    response_types: Sequence[str | PipelineVariable] | None = None
    inference_instances: Sequence[str | PipelineVariable] | None = None
    transform_instances: Sequence[str | PipelineVariable] | None = None
    model_package_name: str | PipelineVariable | None = None
    model_package_group_name: str | PipelineVariable | None = None
    image_uri: str | PipelineVariable | None = None
    model_metrics: ModelMetrics | None = None
    metadata_properties: Any = None
    marketplace_cert: bool = False
    approval_status: str | PipelineVariable | None = None
    description: str | None = None
    drift_check_baselines: Any = None
    customer_metadata_properties: Mapping[str, str | PipelineVariable] | None = None
    domain: str | None = None
    task: str | None = None
    sample_payload_url: str | None = None
    skip_model_validation: str | PipelineVariable | None = None
    framework: str | None = None
    framework_version: str | None = None
    nearest_model_name: str | None = None
    data_input_configuration: str | None = None
    source_uri: str | None = None

    def __post_init__(self) -> None:
        if (self.model_package_name is None) == (self.model_package_group_name is None):
            raise UsageError(
                "register() needs either a model_package_name or a model_package_group_name."
            )

    def container_members(self) -> dict[str, Any]:
        """Return the members that the settings add to each container."""
        config = self.data_input_configuration
        return omit_none(
            Framework=self.framework,
            FrameworkVersion=self.framework_version,
            NearestModelName=self.nearest_model_name,
            ModelInput={"DataInputConfig": config} if config else None,
            Image=self.image_uri,
        )

    def to_request(self, containers: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Return the request that registers a package of these containers."""
        return {
            **self._description(),
            "InferenceSpecification": {"Containers": list(containers), **self._supported()},
            "ModelApprovalStatus": self.approval_status or "PendingManualApproval",
            "SkipModelValidation": self.skip_model_validation or "None",
        }

    def _description(self) -> dict[str, Any]:
        return omit_none(
            ModelPackageName=self.model_package_name,
            ModelPackageGroupName=self.model_package_group_name,
            ModelPackageDescription=self.description,
            ModelMetrics=self.model_metrics.to_request() if self.model_metrics else None,
            MetadataProperties=to_request(self.metadata_properties),
            DriftCheckBaselines=to_request(self.drift_check_baselines),
            CustomerMetadataProperties=self.customer_metadata_properties,
            Domain=self.domain,
            Task=self.task,
            SamplePayloadUrl=self.sample_payload_url,
            CertifyForMarketplace=self.marketplace_cert or None,
            SourceUri=self.source_uri,
        )

    def _supported(self) -> dict[str, list[Any]]:
        supported = {
            "SupportedContentTypes": self.content_types,
            "SupportedResponseMIMETypes": self.response_types,
            "SupportedRealtimeInferenceInstanceTypes": self.inference_instances,
            "SupportedTransformInstanceTypes": self.transform_instances,
        }
        return {key: list(value) for key, value in supported.items() if value}


def register_models(models: Sequence[PackagedModel], settings: PackageSettings) -> ModelArguments:
    """Return the `step_args` of a `ModelStep` that registers models as one package.

    Args:
        models: In the order in which they are applied.
        settings: The package's settings.
    """

    def build(context: CompileContext, data: Sequence[Any]) -> dict[str, Any]:
        more = settings.container_members()
        containers = [
            {**model.package_container(context, archive), **more}
            for model, archive in zip(models, data, strict=True)
        ]
        return settings.to_request(containers)

    return ModelArguments("RegisterModel", tuple(models), build)
