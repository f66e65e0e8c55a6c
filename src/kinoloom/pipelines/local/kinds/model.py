"""Model steps."""

from __future__ import annotations

from kinoloom.pipelines.language import Step
from kinoloom.pipelines.language.shapes import ListOf, Record
from kinoloom.pipelines.local.context import RunContext
from kinoloom.pipelines.local.jobs.outcome import Outcome, Status
from kinoloom.pipelines.local.shapes import SOURCE
from kinoloom.pipelines.local.step_kind import LocalKind, Task
from kinoloom.pipelines.local.storage.models import Origin


def prepare(context: RunContext, step: Step, attempt: int) -> Task:
    """Return the task that creates the model.

    Raises:
        KinoloomError: The arguments are invalid.
    """
    arguments, name = context.resolve(step, _SUPPORTED)
    origin = Origin(context.run.id, step.name, context.run.arn_base)

    def create() -> Outcome:
        properties = context.tools.models.create(arguments, name, origin)
        return Outcome(Status.SUCCEEDED, properties=properties)

    return Task(create)


_CONTAINER = Record({}, {"ModelDataUrl": SOURCE})
_SUPPORTED = Record({}, {"PrimaryContainer": _CONTAINER, "Containers": ListOf(_CONTAINER)})

KINDS = (LocalKind("Model", prepare=prepare, supported=_SUPPORTED),)
