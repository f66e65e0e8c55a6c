"""Tuning jobs: a search for the best hyper-parameters, as `sagemaker.tuner`.

`fit()` does not train; it returns the `step_args` of a `TuningStep`.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, ClassVar

from kinoloom.errors import UsageError
from kinoloom.pipelines.builder.context import CompileContext, StepArguments
from kinoloom.pipelines.builder.variables import (
    PipelineVariable,
    omit_none,
    to_expression,
    to_request,
    to_text,
)
from kinoloom.sagemaker.estimator import Channels, Estimator, Framework
from kinoloom.sagemaker.inputs import TrainingInput


@dataclass(frozen=True)
class ParameterRange:
    """Base class of ranges of numbers.

    Attributes:
        min_value, max_value: Both ends are included.
        scaling_type: "Auto", "Linear", "Logarithmic" or "ReverseLogarithmic".
    """

    min_value: float | PipelineVariable
    max_value: float | PipelineVariable
    scaling_type: str | PipelineVariable = "Auto"
    kind: ClassVar[str]

    def to_request(self, name: str) -> dict[str, Any]:
        """Return the range's JSON for a hyper-parameter."""
        return {
            "Name": name,
            "MinValue": to_text(self.min_value),
            "MaxValue": to_text(self.max_value),
            "ScalingType": self.scaling_type,
        }


class ContinuousParameter(ParameterRange):
    """A range of numbers."""

    kind = "Continuous"


class IntegerParameter(ParameterRange):
    """A range of integers."""

    kind = "Integer"


class CategoricalParameter:
    """A choice of values.

    Args:
        values: The values; they are passed as text.
    """

    kind = "Categorical"

    def __init__(self, values: Sequence[Any] | Any) -> None:
        listed = values if isinstance(values, list | tuple) else [values]
        self.values = [to_text(value) for value in listed]

    def to_request(self, name: str) -> dict[str, Any]:
        """Return the range's JSON for a hyper-parameter."""
        return {"Name": name, "Values": self.values}


class WarmStartTypes(Enum):
    """How the earlier tuning jobs of a warm start are related to the new one."""

    IDENTICAL_DATA_AND_ALGORITHM = "IdenticalDataAndAlgorithm"
    TRANSFER_LEARNING = "TransferLearning"


@dataclass(frozen=True)
class WarmStartConfig:
    """Earlier tuning jobs whose results start a search.

    Attributes:
        warm_start_type: How they are related to the new job.
        parents: Their names.
    """

    warm_start_type: WarmStartTypes
    parents: Collection[str | PipelineVariable]

    def to_request(self) -> dict[str, Any]:
        """Return the configuration's JSON in a request."""
        names = [{"HyperParameterTuningJobName": name} for name in self.parents]
        return {
            "WarmStartType": self.warm_start_type.value,
            "ParentHyperParameterTuningJobs": names,
        }


Ranges = Mapping[str, "ParameterRange | CategoricalParameter"]


class HyperparameterTuner:
    """Searches for the hyper-parameters with the best value of a metric.

    Args:
        estimator: The estimator; its hyper-parameters without a range are fixed.
        objective_metric_name: The name of the metric.
        hyperparameter_ranges: Ranges by name.
        metric_definitions: [{"Name": ..., "Regex": ...}], matched in the logs.
        strategy: "Bayesian", "Random", "Hyperband" or "Grid".
        objective_type: "Maximize" or "Minimize".
        max_jobs: The number of trainings; None means the size of the grid.
        max_parallel_jobs: The maximum number of concurrent trainings.
        early_stopping_type: "Auto" stops trainings that are worse than the median; or "Off".
        base_tuning_job_name: The job's name with a `PipelineDefinitionConfig`.
        random_seed: The seed of the search.
        tags: Kept in the definition.
        max_runtime_in_seconds: The time limit of the tuning job; kept in the definition.
        warm_start_config: Earlier tuning jobs; not supported by `LocalSession`.
        strategy_config, completion_criteria_config: Objects with `to_request()`, or plain JSON,
            kept in the definition.
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

    @classmethod
    def create(
        cls,
        estimator_dict: Mapping[str, Estimator],
        objective_metric_name_dict: Mapping[str, str | PipelineVariable],
        hyperparameter_ranges_dict: Mapping[str, Ranges],
        metric_definitions_dict: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
        **settings: Any,
    ) -> HyperparameterTuner:
        """Return a tuner that searches several estimators, which share the number of trainings.

        Args:
            estimator_dict: The estimators by name.
            objective_metric_name_dict, hyperparameter_ranges_dict, metric_definitions_dict: The
                arguments of the class, by the names of the estimators.
            **settings: Further arguments of the class.

        Raises:
            UsageError: There are no estimators, or the names are not the same.
        """
        names = set(estimator_dict)
        if not names:
            raise UsageError("estimator_dict must have at least one estimator.")
        for one in (objective_metric_name_dict, hyperparameter_ranges_dict):
            if set(one) != names:
                raise UsageError(
                    f"The names {', '.join(sorted(one))} are not those of the estimators: "
                    f"{', '.join(sorted(names))}."
                )
        metrics = metric_definitions_dict or {}
        return _TunerGroup(
            {
                name: cls(
                    estimator,
                    objective_metric_name_dict[name],
                    hyperparameter_ranges_dict[name],
                    metrics.get(name),
                    **settings,
                )
                for name, estimator in estimator_dict.items()
            }
        )

    def fit(
        self,
        inputs: Channels
        | Mapping[str, Channels]
        | TrainingInput
        | str
        | PipelineVariable
        | None = None,
        job_name: str | None = None,
        include_cls_metadata: Any = False,
        estimator_kwargs: Any = None,
        wait: bool = True,
        logs: Any = "All",
    ) -> StepArguments:
        """Return the `step_args` of a `TuningStep`.

        Args:
            inputs: See `Estimator.fit`; for a tuner of several estimators, by their names.
            job_name, include_cls_metadata, estimator_kwargs, wait, logs: Accepted for
                compatibility.

        Raises:
            UsageError: No hyper-parameter has a range.
        """
        if not self.hyperparameter_ranges:
            raise UsageError("hyperparameter_ranges must have at least one range.")
        return StepArguments("Tuning", lambda context: self._build_request(context, inputs))

    def _build_request(self, context: CompileContext, inputs: Any) -> dict[str, Any]:
        return self._build_job(
            context,
            {
                "HyperParameterTuningJobObjective": self._build_objective(),
                "ParameterRanges": self._build_ranges(),
            },
            {"TrainingJobDefinition": self._build_training(context, inputs)},
        )

    def _build_objective(self) -> dict[str, Any]:
        return {"Type": self.objective_type, "MetricName": self.objective_metric_name}

    def _build_job(
        self, context: CompileContext, search: Mapping[str, Any], definitions: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Return the request.

        Args:
            context: The step that is being compiled.
            search: Members of its configuration: the objective and the ranges.
            definitions: Its members with training definitions.
        """
        config = omit_none(
            Strategy=self.strategy,
            StrategyConfig=to_request(self.strategy_config),
            ResourceLimits=omit_none(
                MaxNumberOfTrainingJobs=self.max_jobs,
                MaxParallelTrainingJobs=self.max_parallel_jobs,
                MaxRuntimeInSeconds=self.max_runtime_in_seconds,
            ),
            TrainingJobEarlyStoppingType=self.early_stopping_type,
            RandomSeed=self.random_seed,
            TuningJobCompletionCriteria=to_request(self.completion_criteria_config),
            **search,
        )
        return omit_none(
            **context.job_name("HyperParameterTuningJobName", self.base_tuning_job_name),
            HyperParameterTuningJobConfig=config,
            **definitions,
            WarmStartConfig=to_request(self.warm_start_config),
            Tags=list(self.tags) if self.tags else None,
        )

    def _build_ranges(self) -> dict[str, Any]:
        ranges: dict[str, Any] = {
            f"{kind}ParameterRanges": [] for kind in ("Continuous", "Categorical", "Integer")
        }
        for name, one in self.hyperparameter_ranges.items():
            ranges[f"{one.kind}ParameterRanges"].append(one.to_request(name))
        return ranges

    def _build_training(self, context: CompileContext, inputs: Any) -> dict[str, Any]:
        """Return the request of one training without the hyper-parameters that have ranges."""
        request = self.estimator.fit(inputs).build(context)
        hyperparameters = request.pop("HyperParameters", {})
        algorithm = request["AlgorithmSpecification"]
        if self.metric_definitions:
            algorithm["MetricDefinitions"] = list(self.metric_definitions)
        kept = ("RoleArn", "OutputDataConfig", "StoppingCondition", "InputDataConfig",
                "EnableNetworkIsolation", "EnableManagedSpotTraining", "RetryStrategy",
                "EnableInterContainerTrafficEncryption", "Environment", "VpcConfig",
                "CheckpointConfig")  # fmt: skip
        static = {
            name: value
            for name, value in hyperparameters.items()
            if name not in self.hyperparameter_ranges
        }
        if "sagemaker_program" in static:
            static["sagemaker_job_name"] = json.dumps(_base_name(algorithm["TrainingImage"]))
        if isinstance(self.estimator, Framework):
            kind = type(self.estimator)
            static["sagemaker_estimator_class_name"] = json.dumps(kind.__name__)
            static["sagemaker_estimator_module"] = json.dumps(
                kind.__module__.removeprefix("kinoloom.")
            )
        return {
            "StaticHyperParameters": static,
            **{key: request[key] for key in kept if key in request},
            "HyperParameterTuningResourceConfig": request["ResourceConfig"],
            "AlgorithmSpecification": algorithm,
        }


class _TunerGroup(HyperparameterTuner):
    """A tuner of several estimators.

    Args:
        tuners: The tuner of each estimator, by name; they have the same settings.
    """

    def __init__(self, tuners: Mapping[str, HyperparameterTuner]) -> None:
        self._tuners = dict(tuners)
        vars(self).update(vars(next(iter(tuners.values()))))  # their settings are this tuner's

    def _build_request(self, context: CompileContext, inputs: Any) -> dict[str, Any]:
        data = inputs if isinstance(inputs, Mapping) else dict.fromkeys(self._tuners, inputs)
        definitions = [
            {
                "DefinitionName": name,
                "TuningObjective": tuner._build_objective(),
                "HyperParameterRanges": tuner._build_ranges(),
                **tuner._build_training(context, data.get(name)),
            }
            for name, tuner in self._tuners.items()
        ]
        return self._build_job(context, {}, {"TrainingJobDefinitions": definitions})


def _base_name(image: Any) -> str:
    """Return the SDK's name for jobs of an image: the image's own name."""
    return str(to_expression(image)).rpartition("/")[2].partition(":")[0]
