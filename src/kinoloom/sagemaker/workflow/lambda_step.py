"""The Lambda step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from kinoloom.pipelines.builder.context import CompileContext
from kinoloom.pipelines.builder.properties import OutputProperties
from kinoloom.pipelines.builder.settings import CacheConfig
from kinoloom.pipelines.builder.steps import Dependencies, Step
from kinoloom.sagemaker.lambda_helper import Lambda


class LambdaOutputTypeEnum(Enum):
    """Types of a Lambda step's outputs."""

    String = "String"
    Integer = "Integer"
    Boolean = "Boolean"
    Float = "Float"


@dataclass(frozen=True)
class LambdaOutput:
    """A member of the function's result.

    Attributes:
        output_name: Its key.
        output_type: Its type.
    """

    output_name: str
    output_type: Enum = LambdaOutputTypeEnum.String

    def to_request(self) -> dict[str, Any]:
        """Return the output's declaration in a definition."""
        return {"OutputName": self.output_name, "OutputType": self.output_type.value}


class LambdaStep(Step):
    """Calls a function; the members of its result that `outputs` names are the step's outputs.

    Args:
        name: Unique within the pipeline.
        lambda_func: The function.
        display_name, description: Shown to people.
        inputs: The function's event.
        outputs: What later steps can take: `step.properties.Outputs["name"]`.
        cache_config: Kept in the definition; a local function is always called.
        depends_on: Steps, or names of steps, that must finish first.
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
        depends_on: Dependencies = None,
    ) -> None:
        super().__init__(name, display_name, description, depends_on)
        self.lambda_func = lambda_func
        self.inputs = dict(inputs or {})
        self.outputs = list(outputs or ())
        self.cache_config = cache_config

    @property
    def properties(self) -> OutputProperties:
        """What later steps can take from the step."""
        return OutputProperties(self.name, [output.output_name for output in self.outputs], self)

    def build_arguments(self, context: CompileContext) -> dict[str, Any]:
        """Return the step's arguments as plain JSON."""
        arguments: dict[str, Any] = context.to_json(self.inputs)
        return arguments

    def to_request(self, context: CompileContext) -> dict[str, Any]:
        """Return the step as plain JSON."""
        request = super().to_request(context)
        if self.cache_config is not None:
            request.update(self.cache_config.config)
        request["FunctionArn"] = self.lambda_func.resolve_arn(context)
        request["OutputParameters"] = [output.to_request() for output in self.outputs]
        return request
