"""The Training step."""

from __future__ import annotations

from typing import Any

from kinoloom.pipelines.builder.context import StepArguments
from kinoloom.pipelines.builder.job_steps import JobStep


class TrainingStep(JobStep):
    """Runs a training job.

    Args:
        name: Unique within the pipeline.
        step_args: The result of `estimator.fit()`.
        estimator, inputs: Instead of `step_args`, the estimator and the argument of its `fit()`.
        *settings, **named: See `JobStep`.
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
        arguments = step_args if estimator is None else estimator.fit(inputs)
        super().__init__(name, arguments, *settings, **named)
