"""The Transform step."""

from __future__ import annotations

from typing import Any

from kinoloom.pipelines.builder.context import StepArguments
from kinoloom.pipelines.builder.job_steps import JobStep
from kinoloom.sagemaker.inputs import TransformInput


class TransformStep(JobStep):
    """Applies a model to files.

    Args:
        name: Unique within the pipeline.
        step_args: The result of `transformer.transform()`.
        transformer, inputs: Instead of `step_args`, the transformer and its input.
        *settings, **named: See `JobStep`.
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
