"""`MonitorBatchTransformStep`, which is refused."""

from __future__ import annotations

from kinoloom.pipelines.workflow.refused import RefusedStep


class MonitorBatchTransformStep(RefusedStep):
    """Refused; see `RefusedStep`."""

    instead = "A TransformStep and a ProcessingStep that checks its output do the same."
