"""Execution variables: what an execution knows about itself."""

from __future__ import annotations

from typing import Any

from kinoloom.pipelines.workflow.entities import PipelineVariable


class ExecutionVariable(PipelineVariable):
    """One such variable.

    Args:
        name: as in `Execution.NAME`.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    @property
    def expr(self) -> dict[str, Any]:
        """Its JSON in a definition."""
        return {"Get": f"Execution.{self.name}"}

    def to_string(self) -> PipelineVariable:
        """Itself: it is text already."""
        return self


class ExecutionVariables:
    """All execution variables."""

    START_DATETIME = ExecutionVariable("StartDateTime")
    CURRENT_DATETIME = ExecutionVariable("CurrentDateTime")
    PIPELINE_NAME = ExecutionVariable("PipelineName")
    PIPELINE_ARN = ExecutionVariable("PipelineArn")
    PIPELINE_EXECUTION_ID = ExecutionVariable("PipelineExecutionId")
    PIPELINE_EXECUTION_ARN = ExecutionVariable("PipelineExecutionArn")
    TRAINING_JOB_NAME = ExecutionVariable("TrainingJobName")
    PROCESSING_JOB_NAME = ExecutionVariable("ProcessingJobName")
