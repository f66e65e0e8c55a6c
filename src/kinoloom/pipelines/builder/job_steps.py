"""Steps that run a job, and the Processing step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kinoloom.errors import UsageError
from kinoloom.pipelines.builder.context import CompileContext, StepArguments
from kinoloom.pipelines.builder.properties import PropertyFile
from kinoloom.pipelines.builder.retry import RetryPolicy
from kinoloom.pipelines.builder.settings import CacheConfig
from kinoloom.pipelines.builder.steps import Dependencies, Step
from kinoloom.pipelines.builder.variables import PipelineVariable


class RetriedStep(Step):
    """Base class of steps with retry policies.

    Args:
        name: Unique within the pipeline.
        display_name, description: Shown to people.
        depends_on: Steps, or names of steps, that must finish first.
        retry_policies: The first policy that covers a failure decides.
    """

    def __init__(
        self,
        name: str,
        display_name: str | None = None,
        description: str | None = None,
        depends_on: Dependencies = None,
        retry_policies: Sequence[RetryPolicy] | None = None,
    ) -> None:
        super().__init__(name, display_name, description, depends_on)
        self.retry_policies = list(retry_policies or ())

    def add_retry_policy(self, retry_policy: RetryPolicy) -> None:
        """Add a policy after the existing ones."""
        self.retry_policies.append(retry_policy)

    def to_request(self, context: CompileContext) -> dict[str, Any]:
        """Return the step as plain JSON."""
        request = super().to_request(context)
        if self.retry_policies:
            request["RetryPolicies"] = [policy.to_request() for policy in self.retry_policies]
        return request


class JobStep(RetriedStep):
    """Base class of steps that run a job.

    Args:
        name: Unique within the pipeline.
        step_args: The result of `processor.run()`, `estimator.fit()` and so on.
        display_name, description: Shown to people.
        cache_config: Whether the step may reuse the outputs of an earlier, equal step.
        depends_on: Steps, or names of steps, that must finish first.
        retry_policies: The first policy that covers a failure decides.

    Raises:
        UsageError: The step_args are for another type of step.
    """

    def __init__(
        self,
        name: str,
        step_args: StepArguments | None = None,
        display_name: str | None = None,
        description: str | None = None,
        cache_config: CacheConfig | None = None,
        depends_on: Dependencies = None,
        retry_policies: Sequence[RetryPolicy] | None = None,
    ) -> None:
        super().__init__(name, display_name, description, depends_on, retry_policies)
        if not isinstance(step_args, StepArguments) or step_args.step_type != self.step_type:
            raise UsageError(
                f"step_args of '{name}' must be the result of a {self.step_type} job's run() or "
                f"fit(), not {type(step_args).__name__}."
            )
        self.step_args = step_args
        self.cache_config = cache_config

    def build_arguments(self, context: CompileContext) -> dict[str, Any]:
        """Return the step's arguments as plain JSON."""
        arguments: dict[str, Any] = context.to_json(self.step_args.build(context))
        return arguments

    def to_request(self, context: CompileContext) -> dict[str, Any]:
        """Return the step as plain JSON."""
        request = super().to_request(context)
        return {**request, **self.cache_config.config} if self.cache_config else request


class ProcessingStep(JobStep):
    """Runs a processing job.

    Args:
        name: Unique within the pipeline.
        step_args: The result of `processor.run()`.
        display_name, description: Shown to people.
        property_files: JSON files in the outputs, for `JsonGet`.
        cache_config: Whether the step may reuse the outputs of an earlier, equal step.
        depends_on: Steps, or names of steps, that must finish first.
        retry_policies: The first policy that covers a failure decides.
        processor, inputs, outputs, job_arguments, code: Instead of `step_args`, the processor and
            the arguments of its `run()`, as in older versions of the SDK.
    """

    step_type = "Processing"

    def __init__(
        self,
        name: str,
        step_args: StepArguments | None = None,
        display_name: str | None = None,
        description: str | None = None,
        property_files: Sequence[PropertyFile] | None = None,
        cache_config: CacheConfig | None = None,
        depends_on: Dependencies = None,
        retry_policies: Sequence[RetryPolicy] | None = None,
        processor: Any = None,
        inputs: Sequence[Any] | None = None,
        outputs: Sequence[Any] | None = None,
        job_arguments: Sequence[str | PipelineVariable] | None = None,
        code: str | None = None,
    ) -> None:
        if processor is not None:
            script = {} if code is None else {"code": code}
            files = {"inputs": inputs, "outputs": outputs, "arguments": job_arguments}
            step_args = processor.run(**script, **files)
        super().__init__(
            name, step_args, display_name, description, cache_config, depends_on, retry_policies
        )
        self.property_files = list(property_files or ())

    def to_request(self, context: CompileContext) -> dict[str, Any]:
        """Return the step as plain JSON."""
        request = super().to_request(context)
        files = [file.to_request() for file in self.property_files]
        return {**request, "PropertyFiles": files} if files else request
