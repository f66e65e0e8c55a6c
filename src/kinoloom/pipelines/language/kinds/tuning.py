"""Tuning steps: a search for the best hyper-parameters."""

from __future__ import annotations

from kinoloom.pipelines.language.shapes import Record, choice, integer
from kinoloom.pipelines.language.step_kind import CACHE_AND_RETRIES, ServiceJob, StepKind

_REQUEST = Record(
    {
        "HyperParameterTuningJobConfig": Record(
            {
                "Strategy": choice("Bayesian", "Random", "Hyperband", "Grid"),
                "ResourceLimits": Record({"MaxParallelTrainingJobs": integer(1)}),
            }
        )
    }
)
_PROPERTIES = (
    "BestTrainingJob", "HyperParameterTuningJobArn", "HyperParameterTuningJobConfig",
    "HyperParameterTuningJobName", "HyperParameterTuningJobStatus", "ObjectiveStatusCounters",
    "OverallBestTrainingJob", "TrainingJobDefinition", "TrainingJobDefinitions",
    "TrainingJobStatusCounters", "TrainingJobSummaries", "WarmStartConfig", "CreationTime",
    "HyperParameterTuningEndTime", "LastModifiedTime",
)  # fmt: skip

KINDS = (
    StepKind(
        "Tuning",
        _REQUEST,
        optional=CACHE_AND_RETRIES,
        properties=_PROPERTIES,
        job=ServiceJob(
            "TuningJob",
            "HyperParameterTuningJobArn",
            "describe_hyper_parameter_tuning_job",
            "HyperParameterTuningJobName",
        ),
    ),
)
