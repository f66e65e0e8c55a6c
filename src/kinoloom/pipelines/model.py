"""Models: an archive that a training job left, and the script that serves it.

Names and arguments are those of `sagemaker.model`; `create()` and `register()` do nothing but
return the `step_args` of a `ModelStep`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kinoloom.errors import UsageError
from kinoloom.pipelines.code import put_sources
from kinoloom.pipelines.compiling import Compiling, Session
from kinoloom.pipelines.registration import ModelArguments, PackageSettings, register_models
from kinoloom.pipelines.workflow.entities import PipelineVariable

SERVED_CODE = "/opt/ml/model/code"


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
        entry_point: the inference script. With a source_dir a step is put before the model's
            that packs it into the archive; alone it stays beside the archive.
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
        return self.entry_point is not None and self.source_dir is not None

    def serving_image_uri(self, region: str | None = None) -> str | PipelineVariable:
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

    def package_container(self, compiling: Compiling, data: Any) -> dict[str, Any]:
        """As `container`, for a package."""
        return self.container(compiling, data)

    def _script_environment(self, compiling: Compiling) -> dict[str, Any]:
        if self.entry_point is None:
            return {}
        if self.needs_repack:
            return self._told(compiling, self.entry_point, SERVED_CODE)
        place, program = put_sources(
            compiling, self.entry_point, self.source_dir, self.dependencies
        )
        return self._told(compiling, program, place)

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

    def register(self, *types: Any, **settings: Any) -> ModelArguments:
        """The `step_args` of a `ModelStep` that registers the model as a package.

        Args:
            *types, **settings: see `registration.PackageSettings`.
        """
        return register_models((self,), PackageSettings(*types, **settings))


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
