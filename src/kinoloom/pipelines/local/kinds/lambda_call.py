"""Lambda steps."""

from __future__ import annotations

from kinoloom.pipelines.language import Step
from kinoloom.pipelines.local.context import RunContext
from kinoloom.pipelines.local.jobs.outcome import Outcome, Status
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
        except Exception as error:  # noqa: BLE001  any error of the user's function fails its step
            reason = f"{type(error).__name__}: {error}"
            return Outcome(Status.FAILED, reason, "Step.SERVICE_FAULT")
        return check_outputs(step, outputs)

    return Task(call)


KINDS = (
    LocalKind(
        "Lambda",
        prepare=prepare,
        result=lambda properties, locate: properties["OutputParameters"],
    ),
)
