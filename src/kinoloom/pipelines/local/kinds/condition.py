"""Condition steps."""

from __future__ import annotations

from kinoloom.pipelines.language import Step
from kinoloom.pipelines.local.jobs.outcome import Outcome, Status
from kinoloom.pipelines.local.scope import Scope
from kinoloom.pipelines.local.step_kind import LocalKind


def decide(scope: Scope, step: Step) -> Outcome:
    """Evaluate the conditions; the property Outcome is "true" or "false".

    Raises:
        KinoloomError: A value does not exist.
    """
    conditions = step.branches.conditions if step.branches else ()
    outcome = all(condition.is_true(scope.value) for condition in conditions)
    return Outcome(Status.SUCCEEDED, properties={"Outcome": str(outcome).lower()})


KINDS = (
    LocalKind(
        "Condition",
        decide=decide,
        result=lambda properties, locate: properties["Outcome"] == "true",
    ),
)
