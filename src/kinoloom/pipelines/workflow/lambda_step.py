"""The step that calls a function."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from kinoloom.pipelines.compiling import Compiling
from kinoloom.pipelines.lambda_helper import Lambda
from kinoloom.pipelines.workflow.entities import expr_of
from kinoloom.pipelines.workflow.properties import Answers
from kinoloom.pipelines.workflow.steps import CacheConfig, Step


class LambdaOutputTypeEnum(Enum):
    """Types of a Lambda step's outputs."""

    String = "String"
    Integer = "Integer"
    Boolean = "Boolean"
    Float = "Float"


@dataclass(frozen=True)
class LambdaOutput:
    """One member of what the function returns.

    Attributes:
        output_name: its key.
        output_type: its type.
    """

    output_name: str
    output_type: Enum = LambdaOutputTypeEnum.String

    def to_request(self) -> dict[str, Any]:
        """Its declaration in a definition."""
        return {"OutputName": self.output_name, "OutputType": self.output_type.value}


class LambdaStep(Step):
    """Calls a function with `inputs`, and keeps the members of its answer named in `outputs`.

    Args:
        name: unique within the pipeline.
        lambda_func: the function.
        display_name, description: for people.
        inputs: what it is called with.
        outputs: what later steps may take: `step.properties.Outputs["name"]`.
        cache_config: kept in the definition; locally a function is always called.
        depends_on: steps, or names of steps, that must end before it.
    """

    step_type = "Lambda"

    def __init__(
        self,
        name: str,
        lambda_func: Lambda,
        display_name: str | None = None,
        description: str | None = None,
        inputs: Mapping[str, Any] | None = None,
        outputs: Sequence[LambdaOutput] | None = None,
        cache_config: CacheConfig | None = None,
        depends_on: Sequence[str | Step] | None = None,
    ) -> None:
        super().__init__(name, display_name, description, depends_on)
        self.lambda_func = lambda_func
        self.inputs = dict(inputs or {})
        self.outputs = list(outputs or ())
        self.cache_config = cache_config

    @property
    def properties(self) -> Answers:
        """What later steps may take from it."""
        return Answers(self.name, [output.output_name for output in self.outputs])

    def arguments(self, compiling: Compiling) -> dict[str, Any]:
        """Its arguments as plain JSON."""
        made: dict[str, Any] = expr_of(self.inputs)
        return made

    def to_request(self, compiling: Compiling) -> dict[str, Any]:
        """The whole step as plain JSON."""
        made = super().to_request(compiling)
        if self.cache_config is not None:
            made.update(self.cache_config.config)
        made["FunctionArn"] = self.lambda_func.address(compiling)
        made["OutputParameters"] = [output.to_request() for output in self.outputs]
        return made
