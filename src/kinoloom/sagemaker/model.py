"""Models: the archive of a training job and the script that serves it, as `sagemaker.model`.

`create()` and `register()` do not create anything; they return the `step_args` of a `ModelStep`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kinoloom.errors import UsageError
from kinoloom.pipelines.builder.code import upload_sources
from kinoloom.pipelines.builder.context import CompileContext
from kinoloom.pipelines.builder.variables import PipelineVariable
from kinoloom.pipelines.protocols import FileSession
from kinoloom.sagemaker._registration import ModelArguments, PackageSettings, register_models

SERVED_CODE = "/opt/ml/model/code"


class Model:
    """A model and the script that serves it.

    Args:
        image_uri: Names the environment; local steps run in this interpreter's environment.
        model_data: The archive: an s3:// address or a pipeline variable.
        role: The model's role; None means the session's.
        predictor_cls: Accepted for compatibility; there are no endpoints.
        env: Environment variables.
        name: Accepted for compatibility; the pipeline names the model.
        vpc_config: Kept in the definition.
        sagemaker_session: Accepted for compatibility; the pipeline's session is used.
        enable_network_isolation: Kept in the definition if true.
        source_dir: The inference script's folder.
        entry_point: The inference script. With a source_dir, an additional step packs it into the
            archive; without one, it is uploaded on its own.
        container_log_level: A level of Python's logging.
        dependencies: More files and folders, stored next to the script.
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
        sagemaker_session: FileSession | None = None,
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
        """Whether the script must be packed into the archive."""
        return self.entry_point is not None and self.source_dir is not None

    def serving_image_uri(self, region: str | None = None) -> str | PipelineVariable:
        """Return the name of the serving image.

        Raises:
            UsageError: The model has no image_uri.
        """
        if self.image_uri is None:
            raise UsageError("Model needs an image_uri.")
        return self.image_uri

    def build_container(self, context: CompileContext, data: Any) -> dict[str, Any]:
        """Return the container definition with the archive at the address `data`."""
        container = {
            "Image": self.serving_image_uri(context.session.boto_region_name),
            "Environment": {**self._script_environment(context), **self.env},
        }
        return container if data is None else {**container, "ModelDataUrl": data}

    def package_container(self, context: CompileContext, data: Any) -> dict[str, Any]:
        """Return the container definition in a package; see `build_container`."""
        return self.build_container(context, data)

    def _script_environment(self, context: CompileContext) -> dict[str, Any]:
        if self.entry_point is None:
            return {}
        if self.needs_repack:
            return self._script_variables(context, self.entry_point, SERVED_CODE)
        uri, program = upload_sources(context, self.entry_point, self.source_dir, self.dependencies)
        return self._script_variables(context, program, uri)

    def _script_variables(
        self, context: CompileContext, program: str, directory: str
    ) -> dict[str, Any]:
        return {
            "SAGEMAKER_PROGRAM": program,
            "SAGEMAKER_SUBMIT_DIRECTORY": directory,
            "SAGEMAKER_CONTAINER_LOG_LEVEL": str(self.container_log_level),
            "SAGEMAKER_REGION": context.session.boto_region_name,
        }

    def create(
        self,
        instance_type: str | None = None,
        accelerator_type: str | None = None,
        serverless_inference_config: Any = None,
        tags: Sequence[Mapping[str, str]] | None = None,
    ) -> ModelArguments:
        """Return the `step_args` of a `ModelStep` that creates the model.

        Args:
            instance_type, accelerator_type, serverless_inference_config: Accepted for
                compatibility; the SDK chooses images by them.
            tags: Kept in the definition.
        """

        def build(context: CompileContext, data: Sequence[Any]) -> dict[str, Any]:
            request: dict[str, Any] = {
                "ExecutionRoleArn": self.role or context.session.default_role(),
                "PrimaryContainer": self.build_container(context, data[0]),
            }
            optional = {
                "VpcConfig": self.vpc_config,
                "EnableNetworkIsolation": self.enable_network_isolation,
                "Tags": list(tags or ()),
            }
            return {**request, **{key: value for key, value in optional.items() if value}}

        return ModelArguments("Model", (self,), build)

    def register(self, *types: Any, **settings: Any) -> ModelArguments:
        """Return the `step_args` of a `ModelStep` that registers the model as a package.

        Args:
            *types, **settings: The attributes of `PackageSettings`, in the SDK's order.

        Raises:
            UsageError: Neither or both of the package's name and group are given.
        """
        return register_models((self,), PackageSettings(*types, **settings))


class FrameworkModel(Model):
    """A model whose image fetches the script; it is not packed into the archive.

    Args:
        model_data, image_uri, role, entry_point, **settings: See `Model`.
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
