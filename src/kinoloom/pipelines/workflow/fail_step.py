"""The step that ends an execution as failed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kinoloom.errors import UsageError
from kinoloom.pipelines.compiling import Compiling
from kinoloom.pipelines.workflow.entities import PipelineVariable, expr_of
from kinoloom.pipelines.workflow.properties import Properties
from kinoloom.pipelines.workflow.steps import Step


class FailStep(Step):
    """Ends the execution as failed.

    Args:
        name: unique within the pipeline.
        error_message: the reason that is kept; text or a pipeline variable.
        display_name, description: for people.
        depends_on: steps, or names of steps, that must end before it.
    """

    step_type = "Fail"

    def __init__(
        self,
        name: str,
        error_message: str | PipelineVariable | None = None,
        display_name: str | None = None,
        description: str | None = None,
        depends_on: Sequence[str | Step] | None = None,
    ) -> None:
        super().__init__(name, display_name, description, depends_on)
        self.error_message = "" if error_message is None else error_message

    def arguments(self, compiling: Compiling) -> dict[str, Any]:
        """Its arguments as plain JSON."""
        return {"ErrorMessage": expr_of(self.error_message)}

    @property
    def properties(self) -> Properties:
        """A Fail step has none.

        Raises:
            UsageError: always.
        """
        raise UsageError(f"The Fail step '{self.name}' ends the run; it has no properties.")
