"""The step that waits for an answer from outside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any

from kinoloom.pipelines.compiling import Compiling
from kinoloom.pipelines.workflow.entities import PipelineVariable, expr_of
from kinoloom.pipelines.workflow.lambda_step import LambdaOutput
from kinoloom.pipelines.workflow.properties import Answers
from kinoloom.pipelines.workflow.steps import CacheConfig, Step


class CallbackOutputTypeEnum(Enum):
    """Types of a Callback step's outputs."""

    String = "String"
    Integer = "Integer"
    Boolean = "Boolean"
    Float = "Float"


class CallbackOutput(LambdaOutput):
    """One member of the answer; see `LambdaOutput` for the attributes."""


class CallbackStep(Step):
    """Asks a question with `inputs` and waits for the answer, the outputs named in `outputs`.

    Locally `LocalSession.callbacks` and `kinoloom pipeline answer` answer it.

    Args:
        name: unique within the pipeline.
        sqs_queue_url: where the service puts the question; locally only a name.
        inputs: what is asked with.
        outputs: what later steps may take: `step.properties.Outputs["name"]`.
        display_name, description: for people.
        cache_config: kept in the definition; locally the question is always asked.
        depends_on: steps, or names of steps, that must end before it.
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
        depends_on: Sequence[str | Step] | None = None,
    ) -> None:
        super().__init__(name, display_name, description, depends_on)
        self.sqs_queue_url = sqs_queue_url
        self.inputs = dict(inputs)
        self.outputs = list(outputs)
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
        made["SqsQueueUrl"] = expr_of(self.sqs_queue_url)
        made["OutputParameters"] = [output.to_request() for output in self.outputs]
        return made
