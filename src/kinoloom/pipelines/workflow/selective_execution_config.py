"""Running a part of a pipeline; the name is that of the SDK."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from kinoloom.pipelines.workflow.entities import given


@dataclass(frozen=True)
class SelectiveExecutionConfig:
    """Which steps run; the others are taken over from an earlier execution, on the service.

    Attributes:
        selected_steps: names of those that run.
        source_pipeline_execution_arn: the earlier execution; None is the latest.
        reference_latest_execution: whether None is.
    """

    selected_steps: Sequence[str]
    source_pipeline_execution_arn: str | None = None
    reference_latest_execution: bool = True

    def to_request(self) -> dict[str, Any]:
        """Its JSON in a request to start."""
        steps = [{"StepName": name} for name in self.selected_steps]
        return given(
            SelectedSteps=steps, SourcePipelineExecutionArn=self.source_pipeline_execution_arn
        )
