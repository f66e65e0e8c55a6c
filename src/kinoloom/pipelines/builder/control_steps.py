"""Steps that control an execution: conditions and failures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from kinoloom.errors import UsageError
from kinoloom.pipelines.builder.conditions import Condition
from kinoloom.pipelines.builder.context import CompileContext
from kinoloom.pipelines.builder.properties import Properties
from kinoloom.pipelines.builder.steps import Dependencies, Listed, Step, build_steps
from kinoloom.pipelines.builder.variables import PipelineVariable, iter_steps


class ConditionStep(Step):
    """Runs `if_steps` if all conditions are true, otherwise `else_steps`.

    Args:
        name: Unique within the pipeline.
        depends_on: Steps, or names of steps, that must finish first.
        display_name, description: Shown to people.
        conditions: The conditions.
        if_steps, else_steps: The branches; their steps are not listed in the pipeline itself.
    """

    step_type = "Condition"

    def __init__(
        self,
        name: str,
        depends_on: Dependencies = None,
        display_name: str | None = None,
        description: str | None = None,
        conditions: Sequence[Condition] | None = None,
        if_steps: Sequence[Listed] | None = None,
        else_steps: Sequence[Listed] | None = None,
    ) -> None:
        super().__init__(name, display_name, description, depends_on)
        self.conditions = list(conditions or ())
        self.if_steps = list(if_steps or ())
        self.else_steps = list(else_steps or ())

    def build_arguments(self, context: CompileContext) -> dict[str, Any]:
        """Return the step's arguments as plain JSON."""
        branch = replace(context, step="")
        context.needed.extend(iter_steps(self.conditions))
        return {
            "Conditions": [condition.to_request() for condition in self.conditions],
            "IfSteps": build_steps(self.if_steps, branch),
            "ElseSteps": build_steps(self.else_steps, branch),
        }


class FailStep(Step):
    """Ends the execution as failed.

    Args:
        name: Unique within the pipeline.
        error_message: The reason of the failure: text or a pipeline variable.
        display_name, description: Shown to people.
        depends_on: Steps, or names of steps, that must finish first.
    """

    step_type = "Fail"

    def __init__(
        self,
        name: str,
        error_message: str | PipelineVariable | None = None,
        display_name: str | None = None,
        description: str | None = None,
        depends_on: Dependencies = None,
    ) -> None:
        super().__init__(name, display_name, description, depends_on)
        self.error_message = "" if error_message is None else error_message

    def build_arguments(self, context: CompileContext) -> dict[str, Any]:
        """Return the step's arguments as plain JSON."""
        return {"ErrorMessage": context.to_json(self.error_message)}

    @property
    def properties(self) -> Properties:
        """Fail steps have no properties.

        Raises:
            UsageError: Always.
        """
        raise UsageError(f"Fail step '{self.name}' ends the execution; it has no properties.")
