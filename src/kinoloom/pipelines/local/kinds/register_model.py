"""RegisterModel steps."""

from __future__ import annotations

from kinoloom.pipelines.language import Step
from kinoloom.pipelines.language.shapes import ListOf, MapOf, Record
from kinoloom.pipelines.local.context import RunContext
from kinoloom.pipelines.local.jobs.outcome import Outcome, Status
from kinoloom.pipelines.local.shapes import SOURCE
from kinoloom.pipelines.local.step_kind import LocalKind, Task
from kinoloom.pipelines.local.storage.models import Origin


def prepare(context: RunContext, step: Step, attempt: int) -> Task:
    """Return the task that registers the model's package.

    Raises:
        KinoloomError: The arguments are invalid.
    """
    arguments, _ = context.resolve(step, _SUPPORTED)
    origin = Origin(context.run.id, step.name, context.run.arn_base)

    def register() -> Outcome:
        properties = context.tools.models.register(arguments, origin)
        return Outcome(Status.SUCCEEDED, properties=properties)

    return Task(register)


_SUPPORTED = Record(
    {},
    {
        "InferenceSpecification": Record(
            {}, {"Containers": ListOf(Record({}, {"ModelDataUrl": SOURCE}))}
        ),
        "ModelMetrics": MapOf(MapOf(Record({}, {"S3Uri": SOURCE}))),
    },
)

KINDS = (LocalKind("RegisterModel", prepare=prepare, supported=_SUPPORTED),)
