"""`QualityCheckStep`, which is refused."""

from __future__ import annotations

from kinoloom.pipelines.workflow.refused import RefusedStep


class QualityCheckStep(RefusedStep):
    """Refused; see `RefusedStep`."""

    instead = "A ProcessingStep can check data; a ConditionStep reads what it found."
