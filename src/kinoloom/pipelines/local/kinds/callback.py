"""Callback steps."""

from __future__ import annotations

from kinoloom.pipelines.language import Step
from kinoloom.pipelines.local.context import RunContext
from kinoloom.pipelines.local.jobs.outcome import STOPPED_REASON, Outcome, Status
from kinoloom.pipelines.local.scope import as_text
from kinoloom.pipelines.local.step_kind import LocalKind, Task, check_outputs
from kinoloom.pipelines.local.storage.callbacks import Callbacks


def prepare(context: RunContext, step: Step, attempt: int) -> Task:
    """Return the task that opens a callback and waits for its answer.

    Raises:
        KinoloomError: The arguments are invalid.
    """
    queue = as_text(context.scope.value(step.more["SqsQueueUrl"]))
    arguments = context.scope.value(step.arguments)
    run, callbacks = context.run, Callbacks(context.tools.state)

    def wait() -> Outcome:
        token = callbacks.open(run.id, step.name, queue, arguments)
        row = callbacks.wait(token, run.stop_fd)
        if row is None:
            return Outcome(Status.STOPPED, STOPPED_REASON)
        if row["status"] == "Failed":
            return Outcome(Status.FAILED, str(row["answer"]))
        return check_outputs(step, row["answer"])

    return Task(wait)


KINDS = (
    LocalKind(
        "Callback",
        prepare=prepare,
        result=lambda properties, locate: properties["OutputParameters"],
    ),
)
