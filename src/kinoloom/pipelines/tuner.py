"""Tuning jobs: many trainings with other hyper-parameters.

Names and arguments are those of `sagemaker.tuner` and `sagemaker.parameter`; `fit()` does not
train but returns the `step_args` of a `TuningStep`.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, ClassVar

from kinoloom.errors import UsageError
from kinoloom.pipelines.compiling import Compiling, StepArguments
from kinoloom.pipelines.estimator import Channels, Estimator
from kinoloom.pipelines.inputs import TrainingInput
from kinoloom.pipelines.workflow.entities import PipelineVariable, as_text, expr_of, given, plain_of


@dataclass(frozen=True)
class ParameterRange:
    """Numbers from one to another; use one of the two classes below.

    Attributes:
        min_value, max_value: both ends included.
        scaling_type: "Auto", "Linear", "Logarithmic" or "ReverseLogarithmic".
    """

    min_value: float | PipelineVariable
    max_value: float | PipelineVariable
    scaling_type: str | PipelineVariable = "Auto"
    kind: ClassVar[str]

    def to_request(self, name: str) -> dict[str, Any]:
        """Its JSON as the range of that hyper-parameter."""
        return {
            "Name": name,
            "MinValue": as_text(self.min_value),
            "MaxValue": as_text(self.max_value),
            "ScalingType": self.scaling_type,
        }


class ContinuousParameter(ParameterRange):
    """A number."""

    kind = "Continuous"


class IntegerParameter(ParameterRange):
    """A whole number."""

    kind = "Integer"


class CategoricalParameter:
    """One of a few values.

    Args:
        values: as text.
    """

    kind = "Categorical"

    def __init__(self, values: Sequence[Any] | Any) -> None:
        listed = values if isinstance(values, list | tuple) else [values]
        self.values = [as_text(value) for value in listed]

    def to_request(self, name: str) -> dict[str, Any]:
        """Its JSON as the range of that hyper-parameter."""
        return {"Name": name, "Values": self.values}


class WarmStartTypes(Enum):
    """What a tuning job may learn from earlier ones."""

    IDENTICAL_DATA_AND_ALGORITHM = "IdenticalDataAndAlgorithm"
    TRANSFER_LEARNING = "TransferLearning"


@dataclass(frozen=True)
class WarmStartConfig:
    """Earlier tuning jobs to learn from.

    Attributes:
        warm_start_type: what they have in common with this one.
        parents: their names.
    """

    warm_start_type: WarmStartTypes
    parents: Collection[str | PipelineVariable]

    def to_request(self) -> dict[str, Any]:
        """Its JSON in a request."""
        names = [{"HyperParameterTuningJobName": name} for name in self.parents]
        return {
            "WarmStartType": self.warm_start_type.value,
            "ParentHyperParameterTuningJobs": names,
        }


Ranges = Mapping[str, "ParameterRange | CategoricalParameter"]


class HyperparameterTuner:
    """Trains many times and looks for the best value of a metric.

    Args:
        estimator: what is trained; its hyper-parameters that have no range stay.
        objective_metric_name: of one of the metrics.
        hyperparameter_ranges: by name.
        metric_definitions: [{"Name": ..., "Regex": ...}], looked for in the logs.
        strategy: "Bayesian", "Random", "Hyperband" or "Grid".
        objective_type: "Maximize" or "Minimize".
        max_jobs: how many trainings; None where a grid says it.
        max_parallel_jobs: at once.
        early_stopping_type: "Auto" ends trainings that do worse than most, "Off" does not.
        base_tuning_job_name: for a `PipelineDefinitionConfig`; else pipelines name their jobs.
        random_seed: of the search.
        tags: kept in the definition.
        max_runtime_in_seconds: of the whole tuning job, kept in the definition.
        strategy_config, completion_criteria_config: objects whose `to_request()` or plain JSON
            is kept in the definition.
        warm_start_config: earlier tuning jobs to learn from; the service has it, a
            `LocalSession` has not.
    """

    def __init__(
        self,
        estimator: Estimator,
        objective_metric_name: str | PipelineVariable,
        hyperparameter_ranges: Ranges,
        metric_definitions: Sequence[Mapping[str, Any]] | None = None,
        strategy: str | PipelineVariable = "Bayesian",
        objective_type: str | PipelineVariable = "Maximize",
        max_jobs: int | PipelineVariable | None = 1,
        max_parallel_jobs: int | PipelineVariable = 1,
        early_stopping_type: str | PipelineVariable = "Off",
        base_tuning_job_name: str | None = None,
        random_seed: int | None = None,
        tags: Sequence[Mapping[str, str]] | None = None,
        max_runtime_in_seconds: int | PipelineVariable | None = None,
        warm_start_config: WarmStartConfig | None = None,
        strategy_config: Any = None,
        completion_criteria_config: Any = None,
    ) -> None:
        self.estimator = estimator
        self.objective_metric_name = objective_metric_name
        self.hyperparameter_ranges = dict(hyperparameter_ranges)
        self.metric_definitions = metric_definitions
        self.strategy = strategy
        self.objective_type = objective_type
        self.max_jobs = max_jobs
        self.max_parallel_jobs = max_parallel_jobs
        self.early_stopping_type = early_stopping_type
        self.base_tuning_job_name = base_tuning_job_name
        self.random_seed = random_seed
        self.tags = tags
        self.max_runtime_in_seconds = max_runtime_in_seconds
        self.warm_start_config = warm_start_config
        self.strategy_config = strategy_config
        self.completion_criteria_config = completion_criteria_config

    def fit(
        self,
        inputs: Channels | TrainingInput | str | PipelineVariable | None = None,
        job_name: str | None = None,
        wait: bool = True,
        logs: Any = "All",
    ) -> StepArguments:
        """The `step_args` of a `TuningStep`; `inputs` and the rest as for `Estimator.fit`.

        Raises:
            UsageError: no hyper-parameter has a range.
        """
        if not self.hyperparameter_ranges:
            raise UsageError("A tuner needs the range of at least one hyper-parameter.")
        return StepArguments("Tuning", lambda compiling: self._request(compiling, inputs))

    def _request(self, compiling: Compiling, inputs: Any) -> dict[str, Any]:
        config = given(
            Strategy=self.strategy,
            StrategyConfig=plain_of(self.strategy_config),
            ResourceLimits=given(
                MaxNumberOfTrainingJobs=self.max_jobs,
                MaxParallelTrainingJobs=self.max_parallel_jobs,
                MaxRuntimeInSeconds=self.max_runtime_in_seconds,
            ),
            TrainingJobEarlyStoppingType=self.early_stopping_type,
            RandomSeed=self.random_seed,
            HyperParameterTuningJobObjective={
                "Type": self.objective_type,
                "MetricName": self.objective_metric_name,
            },
            TuningJobCompletionCriteria=plain_of(self.completion_criteria_config),
            ParameterRanges=self._ranges(),
        )
        return given(
            **compiling.job_name("HyperParameterTuningJobName", self.base_tuning_job_name),
            HyperParameterTuningJobConfig=config,
            TrainingJobDefinition=self._training(compiling, inputs),
            WarmStartConfig=plain_of(self.warm_start_config),
            Tags=list(self.tags) if self.tags else None,
        )

    def _ranges(self) -> dict[str, Any]:
        made: dict[str, Any] = {
            f"{kind}ParameterRanges": [] for kind in ("Continuous", "Categorical", "Integer")
        }
        for name, one in self.hyperparameter_ranges.items():
            made[f"{one.kind}ParameterRanges"].append(one.to_request(name))
        return made

    def _training(self, compiling: Compiling, inputs: Any) -> dict[str, Any]:
        """The request of one training, with its hyper-parameters but those that have ranges."""
        request = self.estimator.fit(inputs).make(compiling)
        given = request.pop("HyperParameters", {})
        algorithm = request["AlgorithmSpecification"]
        if self.metric_definitions:
            algorithm["MetricDefinitions"] = list(self.metric_definitions)
        kept = ("RoleArn", "OutputDataConfig", "StoppingCondition", "InputDataConfig",
                "EnableNetworkIsolation", "EnableManagedSpotTraining", "RetryStrategy",
                "EnableInterContainerTrafficEncryption", "Environment", "VpcConfig",
                "CheckpointConfig")  # fmt: skip
        static = {
            name: value for name, value in given.items() if name not in self.hyperparameter_ranges
        }
        if "sagemaker_program" in static:
            static["sagemaker_job_name"] = json.dumps(_base_name(algorithm["TrainingImage"]))
        return {
            "StaticHyperParameters": static,
            **{key: request[key] for key in kept if key in request},
            "HyperParameterTuningResourceConfig": request["ResourceConfig"],
            "AlgorithmSpecification": algorithm,
        }


def _base_name(image: Any) -> str:
    """What the SDK calls jobs of an image: the image's own name."""
    return str(expr_of(image)).rpartition("/")[2].partition(":")[0]
