"""Settings of steps, pipelines and executions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kinoloom.errors import UsageError
from kinoloom.pipelines.builder.variables import omit_none, to_expression


@dataclass(frozen=True)
class CacheConfig:
    """Whether a step may reuse the outputs of an earlier, equal step.

    Attributes:
        enable_caching: Whether it may.
        expire_after: The maximum age of reused outputs, an ISO 8601 duration such as "P30D"; None
            means no limit.
    """

    enable_caching: bool = False
    expire_after: str | None = None

    @property
    def config(self) -> dict[str, Any]:
        """The setting's JSON in a definition."""
        config: dict[str, Any] = {"Enabled": self.enable_caching}
        if self.expire_after is not None:
            config["ExpireAfter"] = self.expire_after
        return {"CacheConfig": config}


@dataclass(frozen=True)
class ParallelismConfiguration:
    """The maximum number of concurrent steps.

    Attributes:
        max_parallel_execution_steps: At least 1.

    Raises:
        UsageError: The number is less than 1.
    """

    max_parallel_execution_steps: int

    def __post_init__(self) -> None:
        if self.max_parallel_execution_steps < 1:
            raise UsageError(
                f"max_parallel_execution_steps must be at least 1, "
                f"not {self.max_parallel_execution_steps}."
            )

    def to_request(self) -> dict[str, Any]:
        """Return the setting's JSON in a request."""
        return {"MaxParallelExecutionSteps": self.max_parallel_execution_steps}


@dataclass(frozen=True)
class PipelineDefinitionConfig:
    """How a pipeline is compiled.

    Attributes:
        use_custom_job_prefix: Whether jobs are named by their `base_job_name` instead of by the
            pipeline.
    """

    use_custom_job_prefix: bool = False


@dataclass(frozen=True)
class PipelineExperimentConfig:
    """The names of the experiment and the trial of an execution.

    Attributes:
        experiment_name, trial_name: Text or pipeline variables.
    """

    experiment_name: Any
    trial_name: Any

    def to_request(self) -> dict[str, Any]:
        """Return the setting's JSON in a definition."""
        return {
            "ExperimentName": to_expression(self.experiment_name),
            "TrialName": to_expression(self.trial_name),
        }


@dataclass(frozen=True)
class SelectiveExecutionConfig:
    """The steps that run; the service takes the other steps from an earlier execution.

    Attributes:
        selected_steps: The names of the steps that run.
        source_pipeline_execution_arn: The earlier execution; None means the latest.
        reference_latest_execution: Whether None means the latest execution.
    """

    selected_steps: Sequence[str]
    source_pipeline_execution_arn: str | None = None
    reference_latest_execution: bool = True

    def to_request(self) -> dict[str, Any]:
        """Return the setting's JSON in a request."""
        steps = [{"StepName": name} for name in self.selected_steps]
        return omit_none(
            SelectedSteps=steps, SourcePipelineExecutionArn=self.source_pipeline_execution_arn
        )


def max_parallel_steps(config: ParallelismConfiguration | Mapping[str, int] | None) -> int:
    """Return the maximum number of concurrent steps of a configuration; 0 means no limit.

    Args:
        config: An object, or its plain JSON as the SDK accepts it.

    Raises:
        UsageError: The number is less than 1, or the JSON has other members.
    """
    if config is None:
        return 0
    if isinstance(config, Mapping):
        if list(config) != ["MaxParallelExecutionSteps"]:
            raise UsageError(
                f"parallelism_config must have the member MaxParallelExecutionSteps only, "
                f"not {dict(config)}."
            )
        config = ParallelismConfiguration(config["MaxParallelExecutionSteps"])
    return config.max_parallel_execution_steps
