"""`EMRStep`, which is refused."""

from __future__ import annotations

from kinoloom.pipelines.workflow.refused import RefusedStep


class EMRStep(RefusedStep):
    """Refused; see `RefusedStep`."""

    instead = "A ProcessingStep runs a script on this machine."
