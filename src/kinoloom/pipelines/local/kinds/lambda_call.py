"""Lambda steps."""

from __future__ import annotations

from kinoloom.pipelines.language import Step
from kinoloom.pipelines.local.context import RunContext
from kinoloom.pipelines.local.jobs.outcome import (
    STOPPED_REASON,
    Outcome,
    Status,
    describe_error,
)
from kinoloom.pipelines.local.scope import as_text
from kinoloom.pipelines.local.step_kind import LocalKind, Task, check_outputs
from kinoloom.pipelines.local.threads import run_in_thread, wait_until_done


def prepare(context: RunContext, step: Step, attempt: int) -> Task:
    """Return the task that calls the step's function; a stop does not wait for its end.

    Raises:
        KinoloomError: The arguments are invalid.
    """
    arn = as_text(context.scope.value(step.more["FunctionArn"]))
    event = context.scope.value(step.arguments)
    functions, stop_fd = context.tools.functions, context.run.stop_fd

    def call() -> Outcome:
        if arn not in functions:
            return Outcome(
                Status.FAILED,
                f"No function is registered for {arn}: use LocalSession.register_function().",
            )
        future = run_in_thread(f"kinoloom-{arn}", functions[arn], event, None)
        if not wait_until_done(future, stop_fd):
            return Outcome(Status.STOPPED, STOPPED_REASON)
        error = future.exception()  # any error of the user's function fails its step
        if error is not None:
            return Outcome(Status.FAILED, describe_error(error), "Step.SERVICE_FAULT")
        return check_outputs(step, future.result())

    return Task(call)


KINDS = (
    LocalKind(
        "Lambda",
        prepare=prepare,
        result=lambda properties, locate: properties["OutputParameters"],
    ),
)
