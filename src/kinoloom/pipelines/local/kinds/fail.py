"""Fail steps."""

from __future__ import annotations

from kinoloom.pipelines.language import Step
from kinoloom.pipelines.local.jobs.outcome import Outcome, Status
from kinoloom.pipelines.local.scope import Scope, as_text
from kinoloom.pipelines.local.step_kind import LocalKind


def decide(scope: Scope, step: Step) -> Outcome:
    """Return a failure with the step's message.

    Raises:
        KinoloomError: A value does not exist.
    """
    return Outcome(Status.FAILED, as_text(scope.value(step.arguments["ErrorMessage"])))


KINDS = (LocalKind("Fail", decide=decide),)
