"""Models in a row, as `sagemaker.pipeline` has them; pipelines are in `workflow.pipeline`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kinoloom.errors import UsageError
from kinoloom.pipelines.compiling import Compiling, Session
from kinoloom.pipelines.model import Model
from kinoloom.pipelines.registration import ModelArguments, PackageSettings, register_models
from kinoloom.pipelines.workflow.entities import PipelineVariable, given


class PipelineModel:
    """Several models, each applied to what the one before it gave.

    A `LocalSession` makes and registers it, but applies only models of one container.

    Args:
        models: in their order.
        role: of the model; None takes the session's.
        predictor_cls, name, sagemaker_session: accepted, as for `Model`.
        vpc_config: kept in the definition.
        enable_network_isolation: kept in the definition when true.

    Raises:
        UsageError: there are no models.
    """

    def __init__(
        self,
        models: Sequence[Model],
        role: str | PipelineVariable | None = None,
        predictor_cls: Any = None,
        name: str | None = None,
        vpc_config: Mapping[str, Any] | None = None,
        sagemaker_session: Session | None = None,
        enable_network_isolation: bool = False,
    ) -> None:
        if not models:
            raise UsageError("A PipelineModel needs at least one model.")
        self.models = list(models)
        self.role = role
        self.vpc_config = vpc_config
        self.enable_network_isolation = enable_network_isolation

    def create(
        self, instance_type: str | None = None, tags: Sequence[Mapping[str, str]] | None = None
    ) -> ModelArguments:
        """The `step_args` of a `ModelStep` that makes the model.

        Args:
            instance_type: accepted; it chooses images in the SDK.
            tags: kept in the definition.
        """

        def make(compiling: Compiling, data: Sequence[Any]) -> dict[str, Any]:
            containers = [
                one.container(compiling, archive)
                for one, archive in zip(self.models, data, strict=True)
            ]
            return given(
                ExecutionRoleArn=self.role or compiling.session.default_role(),
                Containers=containers,
                VpcConfig=self.vpc_config,
                EnableNetworkIsolation=self.enable_network_isolation or None,
                Tags=list(tags) if tags else None,
            )

        return ModelArguments("Model", tuple(self.models), make)

    def register(self, *types: Any, **settings: Any) -> ModelArguments:
        """The `step_args` of a `ModelStep` that registers the models as one package.

        Args:
            *types, **settings: see `registration.PackageSettings`.
        """
        return register_models(tuple(self.models), PackageSettings(*types, **settings))
