"""Lambda steps."""

from __future__ import annotations

from kinoloom.pipelines.language import Step
from kinoloom.pipelines.local.context import RunContext
from kinoloom.pipelines.local.jobs.outcome import (
    Outcome,
    Status,
    describe_error,
)
from kinoloom.pipelines.local.scope import as_text
from kinoloom.pipelines.local.step_kind import LocalKind, Task, check_outputs


def prepare(context: RunContext, step: Step, attempt: int) -> Task:
    """Return the task that calls the step's function.

    Raises:
        KinoloomError: The arguments are invalid.
    """
    arn = as_text(context.scope.value(step.more["FunctionArn"]))
    event = context.scope.value(step.arguments)
    functions = context.tools.functions

    def call() -> Outcome:
        function = functions.find(arn)
        if function is None:
            return Outcome(
                Status.FAILED,
                f"No function is registered for {arn} in this process: use "
                "LocalSession.register_function(), or Lambda(script=...), which is stored.",
            )
        try:
            outputs = function(event, None)
        except BaseException as error:  # noqa: BLE001  any error of the function fails its step
            return Outcome(Status.FAILED, describe_error(error), "Step.SERVICE_FAULT")
        return check_outputs(step, outputs)

    return Task(call, can_be_abandoned=True)


KINDS = (
    LocalKind(
        "Lambda",
        prepare=prepare,
        result=lambda properties, locate: properties["OutputParameters"],
    ),
)
