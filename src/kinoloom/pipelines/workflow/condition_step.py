"""The step that chooses between two branches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from kinoloom.pipelines.compiling import Compiling
from kinoloom.pipelines.workflow.base_steps import Listed, StepCollection, requests
from kinoloom.pipelines.workflow.conditions import Condition
from kinoloom.pipelines.workflow.function_step import Delayed, spread_out
from kinoloom.pipelines.workflow.steps import Step


class ConditionStep(Step):
    """Runs `if_steps` when all conditions hold, else `else_steps`.

    Args:
        name: unique within the pipeline.
        depends_on: steps, or names of steps, that must end before it.
        display_name, description: for people.
        conditions: all must hold.
        if_steps, else_steps: the branches; their steps are not listed in the pipeline itself.
    """

    step_type = "Condition"

    def __init__(
        self,
        name: str,
        depends_on: Sequence[str | Step | StepCollection] | None = None,
        display_name: str | None = None,
        description: str | None = None,
        conditions: Sequence[Condition] | None = None,
        if_steps: Sequence[Listed | Delayed] | None = None,
        else_steps: Sequence[Listed | Delayed] | None = None,
    ) -> None:
        super().__init__(name, display_name, description, depends_on)
        self.conditions = list(conditions or ())
        self.if_steps = spread_out(if_steps or ())
        self.else_steps = spread_out(else_steps or ())

    def arguments(self, compiling: Compiling) -> dict[str, Any]:
        """Its arguments as plain JSON."""
        inside = replace(compiling, step="")
        return {
            "Conditions": [condition.to_request() for condition in self.conditions],
            "IfSteps": requests(self.if_steps, inside),
            "ElseSteps": requests(self.else_steps, inside),
        }
