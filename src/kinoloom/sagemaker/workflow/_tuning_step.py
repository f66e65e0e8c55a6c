"""The Tuning step."""

from __future__ import annotations

from typing import Any

from kinoloom.errors import UsageError
from kinoloom.pipelines.builder.context import StepArguments
from kinoloom.pipelines.builder.job_steps import JobStep
from kinoloom.pipelines.builder.variables import Join, PipelineVariable

_MAX_SUMMARIES = 50


class TuningStep(JobStep):
    """Tunes hyper-parameters with many training jobs.

    Args:
        name: Unique within the pipeline.
        step_args: The result of `tuner.fit()`.
        tuner, inputs: Instead of `step_args`, the tuner and the argument of its `fit()`.
        *settings, **named: See `JobStep`.
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
        arguments = step_args if tuner is None else tuner.fit(inputs)
        super().__init__(name, arguments, *settings, **named)

    def get_top_model_s3_uri(
        self, top_k: int, s3_bucket: str | PipelineVariable, prefix: str | PipelineVariable = ""
    ) -> PipelineVariable:
        """Return the address of the model of the training with rank `top_k`.

        Args:
            top_k: The rank, from 0 (the best) to 49.
            s3_bucket: The bucket of the trainings' output path.
            prefix: The key of the output path.

        Raises:
            UsageError: `top_k` is out of range.
        """
        if not 0 <= top_k < _MAX_SUMMARIES:
            raise UsageError(f"top_k must be from 0 to {_MAX_SUMMARIES - 1}, not {top_k}.")
        values: list[str | PipelineVariable] = ["s3:/", s3_bucket, *([prefix] if prefix else [])]
        values.append(self.properties.TrainingJobSummaries[top_k].TrainingJobName)
        return Join(on="/", values=[*values, "output/model.tar.gz"])
