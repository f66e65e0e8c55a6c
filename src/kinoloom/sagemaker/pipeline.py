"""Models in sequence, as `sagemaker.pipeline`; pipelines are in `workflow.pipeline`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kinoloom.errors import UsageError
from kinoloom.pipelines.builder.context import CompileContext
from kinoloom.pipelines.builder.variables import PipelineVariable, omit_none
from kinoloom.pipelines.protocols import FileSession
from kinoloom.sagemaker._registration import ModelArguments, PackageSettings, register_models
from kinoloom.sagemaker.model import Model


class PipelineModel:
    """Models in sequence, each applied to the output of the one before it.

    Args:
        models: The models in order.
        role: The model's role; None means the session's.
        predictor_cls, name, sagemaker_session: Accepted for compatibility; see `Model`.
        vpc_config: Kept in the definition.
        enable_network_isolation: Kept in the definition if true.

    Raises:
        UsageError: There are no models.
    """

    def __init__(
        self,
        models: Sequence[Model],
        role: str | PipelineVariable | None = None,
        predictor_cls: Any = None,
        name: str | None = None,
        vpc_config: Mapping[str, Any] | None = None,
        sagemaker_session: FileSession | None = None,
        enable_network_isolation: bool = False,
    ) -> None:
        if not models:
            raise UsageError("PipelineModel needs at least one model.")
        self.models = list(models)
        self.role = role
        self.vpc_config = vpc_config
        self.enable_network_isolation = enable_network_isolation

    def create(
        self, instance_type: str | None = None, tags: Sequence[Mapping[str, str]] | None = None
    ) -> ModelArguments:
        """Return the `step_args` of a `ModelStep` that creates the model.

        Args:
            instance_type: Accepted for compatibility; the SDK chooses images by it.
            tags: Kept in the definition.
        """

        def build(context: CompileContext, data: Sequence[Any]) -> dict[str, Any]:
            containers = [
                model.build_container(context, archive)
                for model, archive in zip(self.models, data, strict=True)
            ]
            return omit_none(
                ExecutionRoleArn=self.role or context.session.default_role(),
                Containers=containers,
                VpcConfig=self.vpc_config,
                EnableNetworkIsolation=self.enable_network_isolation or None,
                Tags=list(tags) if tags else None,
            )

        return ModelArguments("Model", tuple(self.models), build)

    def register(self, *types: Any, **settings: Any) -> ModelArguments:
        """Return the `step_args` of a `ModelStep` that registers the models as one package.

        Args:
            *types, **settings: The attributes of `PackageSettings`, in the SDK's order.

        Raises:
            UsageError: Neither or both of the package's name and group are given.
        """
        return register_models(self.models, PackageSettings(*types, **settings))
