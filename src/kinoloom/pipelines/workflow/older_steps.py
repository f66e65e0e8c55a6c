"""The SDK's older way to models: RegisterModel, EstimatorTransformer, CreateModelStep.

`workflow.step_collections` and `workflow.steps` have the names, as the SDK does. New code has
`ModelStep`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kinoloom.errors import UsageError
from kinoloom.pipelines.compiling import Compiling
from kinoloom.pipelines.inputs import CreateModelInput, TransformInput
from kinoloom.pipelines.model import SERVED_CODE, Model
from kinoloom.pipelines.registration import ModelArguments
from kinoloom.pipelines.transformer import Transformer
from kinoloom.pipelines.workflow.base_steps import StepCollection
from kinoloom.pipelines.workflow.entities import PipelineVariable
from kinoloom.pipelines.workflow.model_step import RepackStep, RequestStep, archives_of
from kinoloom.pipelines.workflow.retry import RetryPolicy
from kinoloom.pipelines.workflow.steps import Step, TransformStep

Needs = Sequence[str | Step | StepCollection] | None


class RegisterModel(StepCollection):
    """Registers a model; a script that serves it is packed into its archive first.

    The steps are `<name>-RepackModel`, where there is a script, and `<name>-RegisterModel`.

    Args:
        name: unique within the pipeline.
        content_types, response_types, inference_instances, transform_instances, **settings: as
            for `Model.register`.
        estimator: that trained the model: its image and role are the model's.
        model_data: the archive.
        depends_on: steps, or names of steps, that must end before it.
        repack_model_step_retry_policies, register_model_step_retry_policies: tried in order.
        image_uri: in place of the estimator's.
        display_name, description: of the last step; the description is the package's too.
        tags: accepted.
        model: a `Model` or `PipelineModel` in place of estimator and model_data.
        entry_point, source_dir, dependencies: the script that serves the model.

    Raises:
        UsageError: neither a model nor an estimator is given.
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
        depends_on: Needs = None,
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
            model = _served(estimator, image_uri, model_data, entry_point, source_dir, dependencies)
        types = (content_types, response_types, inference_instances, transform_instances)
        called: ModelArguments = model.register(*types, description=description, **settings)
        scripts = [one for one in called.models if one.entry_point is not None]
        repacks = [
            RepackStep(
                f"{name}-RepackModel" if len(scripts) == 1 else f"{name}-RepackModel-{k}",
                one, depends_on, repack_model_step_retry_policies or (), older=True,
            )
            for k, one in enumerate(scripts)
        ]  # fmt: skip
        last = RequestStep(
            f"{name}-RegisterModel", called, archives_of(called.models, repacks), display_name,
            description, None if repacks else depends_on, register_model_step_retry_policies or (),
        )  # fmt: skip
        super().__init__(name, [*repacks, last])


class CreateModelStep(RequestStep):
    """Makes a model.

    Args:
        name: unique within the pipeline.
        step_args: what `model.create()` returned.
        model: in its place.
        inputs: accepted; the machines choose images in the SDK.
        depends_on: steps, or names of steps, that must end before it.
        retry_policies: tried in order.
        display_name, description: for people.

    Raises:
        UsageError: neither step_args nor a model is given.
    """

    def __init__(
        self,
        name: str,
        step_args: ModelArguments | None = None,
        model: Any = None,
        inputs: CreateModelInput | None = None,
        depends_on: Needs = None,
        retry_policies: Sequence[RetryPolicy] | None = None,
        display_name: str | None = None,
        description: str | None = None,
    ) -> None:
        called = step_args if model is None else model.create()
        if called is None:
            raise UsageError(f"The step '{name}' needs step_args or a model.")
        archives = archives_of(called.models, ())
        super().__init__(
            name, called, archives, display_name, description, depends_on, retry_policies or ()
        )


class EstimatorTransformer(StepCollection):
    """Makes a model of what an estimator has trained, and applies it to files.

    The steps are `<name>-RepackModel` where there is a script, `<name>CreateModelStep` and
    `<name>TransformStep`.

    Args:
        name: unique within the pipeline.
        estimator: its image and role are the model's.
        model_data: the archive.
        model_inputs: accepted; the machines choose images in the SDK.
        instance_count, instance_type, **settings: as for `Transformer`.
        transform_inputs: the files.
        description, display_name: of all its steps.
        image_uri: in place of the estimator's.
        depends_on: steps, or names of steps, that must end before it.
        repack_model_step_retry_policies, model_step_retry_policies,
            transform_step_retry_policies: tried in order.
        entry_point, source_dir, dependencies: the script that serves the model.
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
        depends_on: Needs = None,
        repack_model_step_retry_policies: Sequence[RetryPolicy] | None = None,
        model_step_retry_policies: Sequence[RetryPolicy] | None = None,
        transform_step_retry_policies: Sequence[RetryPolicy] | None = None,
        entry_point: str | None = None,
        source_dir: str | None = None,
        dependencies: Sequence[str] | None = None,
        **settings: Any,
    ) -> None:
        model = _served(estimator, image_uri, model_data, entry_point, source_dir, dependencies)
        repacks = []
        if entry_point is not None:
            policies = repack_model_step_retry_policies or ()
            repack = RepackStep(f"{name}-RepackModel", model, depends_on, policies, older=True)
            repacks.append(repack)
        made = RequestStep(
            f"{name}CreateModelStep", model.create(), archives_of([model], repacks), display_name,
            description, None if repacks else depends_on, model_step_retry_policies or (),
        )  # fmt: skip
        transformer = Transformer(
            made.properties.ModelName, instance_count, instance_type, **settings
        )
        applied = TransformStep(
            f"{name}TransformStep", None, display_name, description,
            transformer=transformer, inputs=transform_inputs,
            retry_policies=transform_step_retry_policies,
        )  # fmt: skip
        super().__init__(name, [*repacks, made, applied])


def _served(
    estimator: Any,
    image_uri: Any,
    model_data: Any,
    entry_point: str | None,
    source_dir: str | None,
    dependencies: Sequence[str] | None,
) -> Model:
    """The model that an estimator has trained."""
    if estimator is None:
        raise UsageError("An estimator or a model must be given.")
    return _Trained(
        estimator,
        image_uri=image_uri,
        model_data=model_data,
        role=estimator.role,
        entry_point=entry_point,
        source_dir=source_dir,
        dependencies=dependencies or (),
    )


class _Trained(Model):
    """A model in the image of its estimator; its script, if any, is always packed in."""

    def __init__(self, estimator: Any, **settings: Any) -> None:
        super().__init__(**settings)
        self._estimator = estimator

    @property
    def needs_repack(self) -> bool:
        return self.entry_point is not None

    def package_container(self, compiling: Compiling, data: Any) -> dict[str, Any]:
        """As the SDK's older step has it: the archive knows its script."""
        container = self.container(compiling, data)
        return {key: value for key, value in container.items() if key != "Environment"}

    def _script_environment(self, compiling: Compiling) -> dict[str, Any]:
        if self.entry_point is None:
            return {}
        program = self.entry_point if self.source_dir else Path(self.entry_point).name
        return self._told(compiling, program, SERVED_CODE)

    def serving_image_uri(self, region: str | None = None) -> str | PipelineVariable:
        image: str | PipelineVariable = self.image_uri or self._estimator.training_image_uri(region)
        return image
