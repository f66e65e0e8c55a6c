"""The Callback step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any

from kinoloom.pipelines.builder.context import CompileContext
from kinoloom.pipelines.builder.properties import OutputProperties
from kinoloom.pipelines.builder.settings import CacheConfig
from kinoloom.pipelines.builder.steps import Dependencies, Step
from kinoloom.pipelines.builder.variables import PipelineVariable
from kinoloom.sagemaker.workflow.lambda_step import LambdaOutput


class CallbackOutputTypeEnum(Enum):
    """Types of a Callback step's outputs."""

    String = "String"
    Integer = "Integer"
    Boolean = "Boolean"
    Float = "Float"


class CallbackOutput(LambdaOutput):
    """An output of a Callback step; see `LambdaOutput` for the attributes."""


class CallbackStep(Step):
    """Sends `inputs` to a queue and waits until the callback is answered with `outputs`.

    `LocalSession.callbacks` and `kinoloom pipeline answer` answer local callbacks.

    Args:
        name: Unique within the pipeline.
        sqs_queue_url: The queue on the service; locally only a name.
        inputs: The message.
        outputs: What later steps can take: `step.properties.Outputs["name"]`.
        display_name, description: Shown to people.
        cache_config: Kept in the definition; a local callback is always sent.
        depends_on: Steps, or names of steps, that must finish first.
    """

    step_type = "Callback"

    def __init__(
        self,
        name: str,
        sqs_queue_url: str | PipelineVariable,
        inputs: Mapping[str, Any],
        outputs: Sequence[CallbackOutput],
        display_name: str | None = None,
        description: str | None = None,
        cache_config: CacheConfig | None = None,
        depends_on: Dependencies = None,
    ) -> None:
        super().__init__(name, display_name, description, depends_on)
        self.sqs_queue_url = sqs_queue_url
        self.inputs = dict(inputs)
        self.outputs = list(outputs)
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
        request["SqsQueueUrl"] = context.to_json(self.sqs_queue_url)
        request["OutputParameters"] = [output.to_request() for output in self.outputs]
        return request
