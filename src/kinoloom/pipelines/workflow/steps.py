"""Steps that run a job, and what all steps have in common."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from kinoloom.errors import UsageError
from kinoloom.pipelines.compiling import Compiling, StepArguments
from kinoloom.pipelines.inputs import TransformInput
from kinoloom.pipelines.workflow.base_steps import Step, StepCollection
from kinoloom.pipelines.workflow.entities import Join, PipelineVariable, expr_of
from kinoloom.pipelines.workflow.properties import PropertyFile
from kinoloom.pipelines.workflow.retry import RetryPolicy

_MOST_SUMMARIES = 50


@dataclass(frozen=True)
class CacheConfig:
    """Whether a step may take over the outputs of an earlier equal one.

    Attributes:
        enable_caching: whether it may.
        expire_after: for how long, an ISO 8601 duration such as "P30D"; None for ever.
    """

    enable_caching: bool = False
    expire_after: str | None = None

    @property
    def config(self) -> dict[str, Any]:
        """Its JSON in a definition."""
        made: dict[str, Any] = {"Enabled": self.enable_caching}
        if self.expire_after is not None:
            made["ExpireAfter"] = self.expire_after
        return {"CacheConfig": made}


class JobStep(Step):
    """A step that runs a job; use one of the classes below.

    Args:
        name: unique within the pipeline.
        step_args: what `processor.run()`, `estimator.fit()` and so on returned. The SDK's older
            form is taken too: the processor, estimator, transformer or tuner itself, and the
            arguments of its call.
        display_name, description: for people.
        cache_config: whether it may take over the outputs of an earlier equal step.
        depends_on: steps, or names of steps, that must end before it.
        retry_policies: tried in order; the first whose class of failure fits decides.

    Raises:
        UsageError: the step_args are of another type of step.
    """

    def __init__(
        self,
        name: str,
        step_args: StepArguments | None = None,
        display_name: str | None = None,
        description: str | None = None,
        cache_config: CacheConfig | None = None,
        depends_on: Sequence[str | Step | StepCollection] | None = None,
        retry_policies: Sequence[RetryPolicy] | None = None,
    ) -> None:
        super().__init__(name, display_name, description, depends_on)
        if not isinstance(step_args, StepArguments) or step_args.kind != self.step_type:
            raise UsageError(
                f"The step_args of '{name}' must be what a {self.step_type} job's run() or fit() "
                f"returned, not {type(step_args).__name__}."
            )
        self.step_args = step_args
        self.cache_config = cache_config
        self.retry_policies = list(retry_policies or ())

    def add_retry_policy(self, retry_policy: RetryPolicy) -> None:
        """Add a policy after those there are."""
        self.retry_policies.append(retry_policy)

    def arguments(self, compiling: Compiling) -> dict[str, Any]:
        """Its arguments as plain JSON."""
        made: dict[str, Any] = expr_of(self.step_args.make(compiling))
        return made

    def to_request(self, compiling: Compiling) -> dict[str, Any]:
        """The whole step as plain JSON."""
        made = super().to_request(compiling)
        if self.retry_policies:
            made["RetryPolicies"] = [policy.to_request() for policy in self.retry_policies]
        return {**made, **self.cache_config.config} if self.cache_config else made


class ProcessingStep(JobStep):
    """Runs a processing job.

    Args:
        name: unique within the pipeline.
        step_args: what `processor.run()` returned.
        processor, inputs, outputs, job_arguments, code: in its place, as the SDK's older form.
        display_name, description: for people.
        property_files: JSON files among its outputs, for `JsonGet`.
        cache_config: whether it may take over the outputs of an earlier equal step.
        depends_on: steps, or names of steps, that must end before it.
        retry_policies: tried in order; the first whose class of failure fits decides.
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
        depends_on: Sequence[str | Step | StepCollection] | None = None,
        retry_policies: Sequence[RetryPolicy] | None = None,
        processor: Any = None,
        inputs: Sequence[Any] | None = None,
        outputs: Sequence[Any] | None = None,
        job_arguments: Sequence[str | PipelineVariable] | None = None,
        code: str | None = None,
    ) -> None:
        if processor is not None:
            scripts = {} if code is None else {"code": code}
            files = {"inputs": inputs, "outputs": outputs, "arguments": job_arguments}
            step_args = processor.run(**scripts, **files)
        super().__init__(
            name, step_args, display_name, description, cache_config, depends_on, retry_policies
        )
        self.property_files = list(property_files or ())

    def to_request(self, compiling: Compiling) -> dict[str, Any]:
        """The whole step as plain JSON."""
        made = super().to_request(compiling)
        files = [file.to_request() for file in self.property_files]
        return {**made, "PropertyFiles": files} if files else made


class TrainingStep(JobStep):
    """Runs a training job; see `JobStep` for the arguments.

    Args:
        name, step_args, *settings, **named: as for `JobStep`.
        estimator, inputs: in place of step_args.
    """

    step_type = "Training"

    def __init__(
        self,
        name: str,
        step_args: StepArguments | None = None,
        *settings: Any,
        estimator: Any = None,
        inputs: Any = None,
        **named: Any,
    ) -> None:
        made = step_args if estimator is None else estimator.fit(inputs)
        super().__init__(name, made, *settings, **named)


class TransformStep(JobStep):
    """Applies a model to files; see `JobStep` for the arguments.

    Args:
        name, step_args, *settings, **named: as for `JobStep`.
        transformer, inputs: in place of step_args; inputs is a `TransformInput`.
    """

    step_type = "Transform"

    def __init__(
        self,
        name: str,
        step_args: StepArguments | None = None,
        *settings: Any,
        transformer: Any = None,
        inputs: TransformInput | None = None,
        **named: Any,
    ) -> None:
        if transformer is not None and inputs is not None:
            step_args = transformer.transform(**vars(inputs))
        super().__init__(name, step_args, *settings, **named)


class TuningStep(JobStep):
    """Trains many times with other hyper-parameters; see `JobStep` for the arguments.

    Args:
        name, step_args, *settings, **named: as for `JobStep`.
        tuner, inputs: in place of step_args.
    """

    step_type = "Tuning"

    def __init__(
        self,
        name: str,
        step_args: StepArguments | None = None,
        *settings: Any,
        tuner: Any = None,
        inputs: Any = None,
        **named: Any,
    ) -> None:
        made = step_args if tuner is None else tuner.fit(inputs)
        super().__init__(name, made, *settings, **named)

    def get_top_model_s3_uri(
        self, top_k: int, s3_bucket: str | PipelineVariable, prefix: str | PipelineVariable = ""
    ) -> PipelineVariable:
        """The address of the model of the training that came out as number `top_k`.

        Args:
            top_k: 0 is the best, 49 the last that can be asked for.
            s3_bucket: the bucket of the trainings' output path.
            prefix: the key of the output path.

        Raises:
            UsageError: top_k is out of range.
        """
        if not 0 <= top_k < _MOST_SUMMARIES:
            raise UsageError(f"top_k must be from 0 to {_MOST_SUMMARIES - 1}, not {top_k}.")
        values: list[str | PipelineVariable] = ["s3:/", s3_bucket, *([prefix] if prefix else [])]
        values.append(self.properties.TrainingJobSummaries[top_k].TrainingJobName)
        return Join(on="/", values=[*values, "output/model.tar.gz"])


def __getattr__(name: str) -> Any:
    """`CreateModelStep`, which the SDK has here, when first used."""
    if name in ("CreateModelStep",):
        return getattr(importlib.import_module("kinoloom.pipelines.workflow.older_steps"), name)
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
