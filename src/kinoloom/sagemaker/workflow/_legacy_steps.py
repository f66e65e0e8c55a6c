"""The SDK's older steps for models: RegisterModel, EstimatorTransformer, CreateModelStep.

`workflow.step_collections` and `workflow.steps` export them, as in the SDK. New code uses
`ModelStep`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kinoloom.errors import UsageError
from kinoloom.pipelines.builder.context import CompileContext
from kinoloom.pipelines.builder.retry import RetryPolicy
from kinoloom.pipelines.builder.steps import Dependencies, StepCollection
from kinoloom.pipelines.builder.variables import PipelineVariable
from kinoloom.sagemaker._registration import ModelArguments
from kinoloom.sagemaker.inputs import CreateModelInput, TransformInput
from kinoloom.sagemaker.model import SERVED_CODE, Model
from kinoloom.sagemaker.transformer import Transformer
from kinoloom.sagemaker.workflow._repack_step import RepackStep, list_archives
from kinoloom.sagemaker.workflow._transform_step import TransformStep
from kinoloom.sagemaker.workflow.model_step import RequestStep


class RegisterModel(StepCollection):
    """Registers a model; its inference script is packed into the archive first.

    The steps are `<name>-RepackModel`, if there is a script, and `<name>-RegisterModel`.

    Args:
        name: Unique within the pipeline.
        content_types, response_types, inference_instances, transform_instances, **settings: See
            `Model.register`.
        estimator: The estimator that trained the model; the model has its image and role.
        model_data: The archive.
        depends_on: Steps, or names of steps, that must finish first.
        repack_model_step_retry_policies, register_model_step_retry_policies: The first policy
            that covers a failure decides.
        image_uri: Replaces the estimator's image.
        display_name, description: Of the last step; the package has the same description.
        tags: Accepted for compatibility.
        model: A `Model` or `PipelineModel` instead of estimator and model_data.
        entry_point, source_dir, dependencies: The inference script.

    Raises:
        UsageError: Neither a model nor an estimator is given.
    """

    def __init__(
        self,
        name: str,
        content_types: Sequence[Any] | None = None,
        response_types: Sequence[Any] | None = None,
        inference_instances: Sequence[Any] | None = None,
        transform_instances: Sequence[Any] | None = None,
        estimator: Any = None,
        model_data: str | PipelineVariable | None = None,
        depends_on: Dependencies = None,
        repack_model_step_retry_policies: Sequence[RetryPolicy] | None = None,
        register_model_step_retry_policies: Sequence[RetryPolicy] | None = None,
        *,
        image_uri: str | PipelineVariable | None = None,
        display_name: str | None = None,
        description: str | None = None,
        tags: Any = None,
        model: Any = None,
        entry_point: str | None = None,
        source_dir: str | None = None,
        dependencies: Sequence[str] | None = None,
        **settings: Any,
    ) -> None:
        if model is None:
            model = _trained_model(
                estimator, image_uri, model_data, entry_point, source_dir, dependencies
            )
        types = (content_types, response_types, inference_instances, transform_instances)
        step_args: ModelArguments = model.register(*types, description=description, **settings)
        scripts = [one for one in step_args.models if one.entry_point is not None]
        repacks = [
            RepackStep(
                f"{name}-RepackModel" if len(scripts) == 1 else f"{name}-RepackModel-{k}",
                one, depends_on, repack_model_step_retry_policies or (), legacy=True,
            )
            for k, one in enumerate(scripts)
        ]  # fmt: skip
        last = RequestStep(
            f"{name}-RegisterModel", step_args, list_archives(step_args.models, repacks),
            display_name, description, None if repacks else depends_on,
            register_model_step_retry_policies or (),
        )  # fmt: skip
        super().__init__(name, [*repacks, last])


class CreateModelStep(RequestStep):
    """Creates a model.

    Args:
        name: Unique within the pipeline.
        step_args: The result of `model.create()`.
        model: The model, instead of `step_args`.
        inputs: Accepted for compatibility; the SDK chooses images by it.
        depends_on: Steps, or names of steps, that must finish first.
        retry_policies: The first policy that covers a failure decides.
        display_name, description: Shown to people.

    Raises:
        UsageError: Neither step_args nor a model is given.
    """

    def __init__(
        self,
        name: str,
        step_args: ModelArguments | None = None,
        model: Any = None,
        inputs: CreateModelInput | None = None,
        depends_on: Dependencies = None,
        retry_policies: Sequence[RetryPolicy] | None = None,
        display_name: str | None = None,
        description: str | None = None,
    ) -> None:
        arguments = step_args if model is None else model.create()
        if arguments is None:
            raise UsageError(f"CreateModelStep '{name}' needs step_args or a model.")
        archives = list_archives(arguments.models, ())
        super().__init__(
            name, arguments, archives, display_name, description, depends_on, retry_policies or ()
        )


class EstimatorTransformer(StepCollection):
    """Creates a model from an estimator's training and applies it to files.

    The steps are `<name>-RepackModel`, if there is a script, `<name>CreateModelStep` and
    `<name>TransformStep`.

    Args:
        name: Unique within the pipeline.
        estimator: The estimator that trained the model; the model has its image and role.
        model_data: The archive.
        model_inputs: Accepted for compatibility; the SDK chooses images by it.
        instance_count, instance_type, **settings: See `Transformer`.
        transform_inputs: The files.
        description, display_name: Of all steps.
        image_uri: Replaces the estimator's image.
        depends_on: Steps, or names of steps, that must finish first.
        repack_model_step_retry_policies, model_step_retry_policies,
            transform_step_retry_policies: The first policy that covers a failure decides.
        entry_point, source_dir, dependencies: The inference script.
    """

    def __init__(
        self,
        name: str,
        estimator: Any,
        model_data: str | PipelineVariable,
        model_inputs: CreateModelInput | None = None,
        instance_count: int | PipelineVariable = 1,
        instance_type: str | PipelineVariable = "local",
        transform_inputs: TransformInput | None = None,
        description: str | None = None,
        display_name: str | None = None,
        image_uri: str | PipelineVariable | None = None,
        depends_on: Dependencies = None,
        repack_model_step_retry_policies: Sequence[RetryPolicy] | None = None,
        model_step_retry_policies: Sequence[RetryPolicy] | None = None,
        transform_step_retry_policies: Sequence[RetryPolicy] | None = None,
        entry_point: str | None = None,
        source_dir: str | None = None,
        dependencies: Sequence[str] | None = None,
        **settings: Any,
    ) -> None:
        model = _trained_model(
            estimator, image_uri, model_data, entry_point, source_dir, dependencies
        )
        repacks = []
        if entry_point is not None:
            policies = repack_model_step_retry_policies or ()
            repack = RepackStep(f"{name}-RepackModel", model, depends_on, policies, legacy=True)
            repacks.append(repack)
        create = RequestStep(
            f"{name}CreateModelStep", model.create(), list_archives([model], repacks),
            display_name, description, None if repacks else depends_on,
            model_step_retry_policies or (),
        )  # fmt: skip
        transformer = Transformer(
            create.properties.ModelName, instance_count, instance_type, **settings
        )
        transform = TransformStep(
            f"{name}TransformStep", None, display_name, description,
            transformer=transformer, inputs=transform_inputs,
            retry_policies=transform_step_retry_policies,
        )  # fmt: skip
        super().__init__(name, [*repacks, create, transform])


def _trained_model(
    estimator: Any,
    image_uri: Any,
    model_data: Any,
    entry_point: str | None,
    source_dir: str | None,
    dependencies: Sequence[str] | None,
) -> Model:
    """Return the model that an estimator has trained."""
    if estimator is None:
        raise UsageError("Pass an estimator or a model.")
    return _TrainedModel(
        estimator,
        image_uri=image_uri,
        model_data=model_data,
        role=estimator.role,
        entry_point=entry_point,
        source_dir=source_dir,
        dependencies=dependencies or (),
    )


class _TrainedModel(Model):
    """A model in its estimator's image; its inference script is always packed into the archive."""

    def __init__(self, estimator: Any, **settings: Any) -> None:
        super().__init__(**settings)
        self._estimator = estimator

    @property
    def needs_repack(self) -> bool:
        return self.entry_point is not None

    def package_container(self, context: CompileContext, data: Any) -> dict[str, Any]:
        """Return the container without Environment: the archive has the script."""
        container = self.build_container(context, data)
        return {key: value for key, value in container.items() if key != "Environment"}

    def _script_environment(self, context: CompileContext) -> dict[str, Any]:
        if self.entry_point is None:
            return {}
        program = self.entry_point if self.source_dir else Path(self.entry_point).name
        return self._script_variables(context, program, SERVED_CODE)

    def serving_image_uri(self, region: str | None = None) -> str | PipelineVariable:
        image: str | PipelineVariable = self.image_uri or self._estimator.training_image_uri(region)
        return image
