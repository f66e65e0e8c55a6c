"""The step that creates or registers a model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kinoloom.errors import UsageError
from kinoloom.pipelines.builder.context import CompileContext
from kinoloom.pipelines.builder.job_steps import RetriedStep
from kinoloom.pipelines.builder.retry import RetryPolicy
from kinoloom.pipelines.builder.steps import Dependencies, StepCollection
from kinoloom.sagemaker._registration import ModelArguments
from kinoloom.sagemaker.workflow._repack_step import RepackStep, list_archives

_SUFFIXES = {"Model": "CreateModel", "RegisterModel": "RegisterModel"}
_POLICY_KEYS = {
    "Model": "create_model_retry_policies",
    "RegisterModel": "register_model_retry_policies",
}


class ModelStep(StepCollection):
    """Creates or registers a model; its inference script is packed into the archive first.

    The steps are `<name>-RepackModel-<k>` and `<name>-CreateModel` or `<name>-RegisterModel`.

    Args:
        name: Unique within the pipeline.
        step_args: The result of `model.create()` or `model.register()`.
        depends_on: Steps, or names of steps, that must finish first.
        retry_policies: For all steps; or lists by "repack_model_retry_policies",
            "create_model_retry_policies" and "register_model_retry_policies".
        display_name, description: Of the last step.

    Raises:
        UsageError: The step_args are for another type of step.
    """

    def __init__(
        self,
        name: str,
        step_args: ModelArguments,
        depends_on: Dependencies = None,
        retry_policies: Sequence[RetryPolicy] | dict[str, Sequence[RetryPolicy]] | None = None,
        display_name: str | None = None,
        description: str | None = None,
    ) -> None:
        if not isinstance(step_args, ModelArguments):
            raise UsageError(
                f"step_args of '{name}' must be the result of a model's create() or register(), "
                f"not {type(step_args).__name__}."
            )
        repack_policies, policies = _split_policies(retry_policies, step_args.step_type)
        repacks = [
            RepackStep(f"{name}-RepackModel-{k}", model, depends_on, repack_policies)
            for k, model in enumerate(step_args.models)
            if model.needs_repack
        ]
        last = RequestStep(
            f"{name}-{_SUFFIXES[step_args.step_type]}", step_args,
            list_archives(step_args.models, repacks),
            display_name, description, None if repacks else depends_on, policies,
        )  # fmt: skip
        super().__init__(name, [*repacks, last])


class RequestStep(RetriedStep):
    """Creates or registers a model.

    Args:
        name: Unique within the pipeline.
        step_args: The result of `model.create()` or `model.register()`.
        archives: The addresses of the models' archives.
        *settings: See `RetriedStep`.
    """

    def __init__(
        self, name: str, step_args: ModelArguments, archives: Sequence[Any], *settings: Any
    ) -> None:
        super().__init__(name, *settings)
        self.step_type = step_args.step_type  # type: ignore[misc]  # one class for two types
        self.step_args = step_args
        self.archives = archives

    def build_arguments(self, context: CompileContext) -> dict[str, Any]:
        """Return the step's arguments as plain JSON."""
        arguments: dict[str, Any] = context.to_json(self.step_args.build(context, self.archives))
        return arguments


def _split_policies(
    policies: Any, step_type: str
) -> tuple[Sequence[RetryPolicy], Sequence[RetryPolicy]]:
    """Return the policies of the repacking steps, and those of the last step."""
    if isinstance(policies, dict):
        return (
            policies.get("repack_model_retry_policies", ()),
            policies.get(_POLICY_KEYS[step_type], ()),
        )
    return policies or (), policies or ()
