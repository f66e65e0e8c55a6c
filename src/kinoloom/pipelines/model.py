"""Models: an archive that a training job left, and the script that serves it.

Names and arguments are those of `sagemaker.model`; `create()` and `register()` do nothing but
return the `step_args` of a `ModelStep`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kinoloom.errors import UsageError
from kinoloom.pipelines.code import put_sources
from kinoloom.pipelines.compiling import Compiling, Session
from kinoloom.pipelines.model_metrics import ModelMetrics
from kinoloom.pipelines.workflow.entities import PipelineVariable

_SERVED_CODE = "/opt/ml/model/code"


@dataclass(frozen=True)
class ModelArguments:
    """What `create()` or `register()` was called with.

    Attributes:
        kind: the type of step that it is for: "Model" or "RegisterModel".
        models: those that it is about.
        make: makes the request of the addresses of the models' archives.
    """

    kind: str
    models: tuple[Model, ...]
    make: Callable[[Compiling, Sequence[Any]], dict[str, Any]]


class Model:
    """A model and what serves it.

    Args:
        image_uri: names the environment; locally the steps run in this interpreter's.
        model_data: the archive: an s3:// address or a pipeline variable.
        role: of the model; None takes the session's.
        predictor_cls: accepted; there are no endpoints here.
        env: environment variables.
        name: accepted; pipelines name their models.
        vpc_config: kept in the definition.
        sagemaker_session: accepted; the pipeline's session is used.
        enable_network_isolation: kept in the definition when true.
        source_dir: the folder that the script needs.
        entry_point: the inference script; a step is put before the model's that packs it into
            the archive.
        container_log_level: as Python's logging has it.
        dependencies: more files and folders that are put beside the script.
    """

    def __init__(
        self,
        image_uri: str | PipelineVariable | None = None,
        model_data: str | PipelineVariable | None = None,
        role: str | PipelineVariable | None = None,
        predictor_cls: Any = None,
        env: Mapping[str, str | PipelineVariable] | None = None,
        name: str | None = None,
        vpc_config: Mapping[str, Any] | None = None,
        sagemaker_session: Session | None = None,
        enable_network_isolation: bool = False,
        source_dir: str | None = None,
        entry_point: str | None = None,
        container_log_level: int = 20,
        dependencies: Sequence[str] = (),
    ) -> None:
        self.image_uri = image_uri
        self.model_data = model_data
        self.role = role
        self.predictor_cls = predictor_cls
        self.env = dict(env or {})
        self.name = name
        self.vpc_config = vpc_config
        self.sagemaker_session = sagemaker_session
        self.enable_network_isolation = enable_network_isolation
        self.source_dir = source_dir
        self.entry_point = entry_point
        self.container_log_level = container_log_level
        self.dependencies = list(dependencies)

    @property
    def needs_repack(self) -> bool:
        """Whether the script has to be packed into the archive first."""
        return self.entry_point is not None

    def serving_image_uri(self, region: str) -> str | PipelineVariable:
        """The image that names the environment.

        Raises:
            UsageError: none was given.
        """
        if self.image_uri is None:
            raise UsageError("A Model needs an image_uri.")
        return self.image_uri

    def container(self, compiling: Compiling, data: Any) -> dict[str, Any]:
        """The container definition, with the archive at that address."""
        made = {
            "Image": self.serving_image_uri(compiling.session.boto_region_name),
            "Environment": {**self._script_environment(compiling), **self.env},
        }
        return made if data is None else {**made, "ModelDataUrl": data}

    def _script_environment(self, compiling: Compiling) -> dict[str, Any]:
        if self.entry_point is None:
            return {}
        program = self.entry_point if self.source_dir else self.entry_point.rpartition("/")[2]
        return self._told(compiling, program, _SERVED_CODE)

    def _told(self, compiling: Compiling, program: str, place: str) -> dict[str, Any]:
        return {
            "SAGEMAKER_PROGRAM": program,
            "SAGEMAKER_SUBMIT_DIRECTORY": place,
            "SAGEMAKER_CONTAINER_LOG_LEVEL": str(self.container_log_level),
            "SAGEMAKER_REGION": compiling.session.boto_region_name,
        }

    def create(
        self,
        instance_type: str | None = None,
        accelerator_type: str | None = None,
        serverless_inference_config: Any = None,
        tags: Sequence[Mapping[str, str]] | None = None,
    ) -> ModelArguments:
        """The `step_args` of a `ModelStep` that makes the model.

        Args:
            instance_type, accelerator_type, serverless_inference_config: accepted; they choose
                images in the SDK.
            tags: kept in the definition.
        """

        def make(compiling: Compiling, data: Sequence[Any]) -> dict[str, Any]:
            made: dict[str, Any] = {
                "ExecutionRoleArn": self.role or compiling.session.default_role(),
                "PrimaryContainer": self.container(compiling, data[0]),
            }
            optional = {
                "VpcConfig": self.vpc_config,
                "EnableNetworkIsolation": self.enable_network_isolation,
                "Tags": list(tags or ()),
            }
            return {**made, **{key: value for key, value in optional.items() if value}}

        return ModelArguments("Model", (self,), make)

    def register(
        self,
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
        skip_model_validation: str = "None",
    ) -> ModelArguments:
        """The `step_args` of a `ModelStep` that registers the model as a package.

        Args:
            content_types, response_types: what it takes and gives, as media types.
            inference_instances, transform_instances: machines that it may be served on.
            model_package_name, model_package_group_name: one of the two; a group counts versions.
            image_uri: in place of the model's own.
            model_metrics: addresses of what was measured.
            metadata_properties, drift_check_baselines: objects whose `to_request()` or, where
                there is none, plain JSON is kept in the definition.
            marketplace_cert: kept in the definition when true.
            approval_status: "PendingManualApproval" (the service's choice when None), "Approved"
                or "Rejected".
            description: for people.
            customer_metadata_properties: free.
            domain, task, sample_payload_url: kept in the definition.
            skip_model_validation: "None" or "All".

        Raises:
            UsageError: both or none of the two names are given.
        """
        if (model_package_name is None) == (model_package_group_name is None):
            raise UsageError("register() takes a model_package_name or a model_package_group_name.")

        def make(compiling: Compiling, data: Sequence[Any]) -> dict[str, Any]:
            container = self.container(compiling, data[0])
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
                "MetadataProperties": _plain(metadata_properties),
                "DriftCheckBaselines": _plain(drift_check_baselines),
                "CustomerMetadataProperties": customer_metadata_properties,
                "Domain": domain,
                "Task": task,
                "SamplePayloadUrl": sample_payload_url,
                "CertifyForMarketplace": marketplace_cert or None,
            }
            return {
                **{key: value for key, value in optional.items() if value is not None},
                "InferenceSpecification": {
                    "Containers": [{**container, "Image": image_uri or container["Image"]}],
                    **{key: list(value) for key, value in supported.items() if value},
                },
                "ModelApprovalStatus": approval_status or "PendingManualApproval",
                "SkipModelValidation": skip_model_validation,
            }

        return ModelArguments("RegisterModel", (self,), make)


class FrameworkModel(Model):
    """A model whose image fetches the script itself: it stays beside the archive.

    Args:
        model_data, image_uri, role, entry_point, **settings: as for `Model`.
    """

    def __init__(
        self,
        model_data: str | PipelineVariable | None = None,
        image_uri: str | PipelineVariable | None = None,
        role: str | PipelineVariable | None = None,
        entry_point: str | None = None,
        **settings: Any,
    ) -> None:
        super().__init__(image_uri, model_data, role, entry_point=entry_point, **settings)

    @property
    def needs_repack(self) -> bool:
        """False: the script is not packed into the archive."""
        return False

    def _script_environment(self, compiling: Compiling) -> dict[str, Any]:
        if self.entry_point is None:
            return {}
        place, program = put_sources(
            compiling, self.entry_point, self.source_dir, self.dependencies
        )
        return self._told(compiling, program, place)


def _plain(value: Any) -> Any:
    """What an object of properties stands for; plain JSON is itself."""
    return value.to_request() if hasattr(value, "to_request") else value
