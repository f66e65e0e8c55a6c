"""Fail steps."""

from __future__ import annotations

from kinoloom.errors import KinoloomError
from kinoloom.pipelines.language import Step
from kinoloom.pipelines.local.jobs.outcome import Outcome, Status
from kinoloom.pipelines.local.scope import Scope, as_text
from kinoloom.pipelines.local.step_kind import LocalKind


def decide(scope: Scope, step: Step) -> Outcome:
    """Return a failure with the step's message."""
    try:
        return Outcome(Status.FAILED, as_text(scope.value(step.arguments["ErrorMessage"])))
    except KinoloomError as error:
        return Outcome(Status.FAILED, str(error))


KINDS = (LocalKind("Fail", decide=decide),)
