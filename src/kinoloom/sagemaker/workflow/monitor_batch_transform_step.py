"""`MonitorBatchTransformStep`, which is not available."""

from __future__ import annotations

from kinoloom.sagemaker.workflow._unavailable import UnavailableStep


class MonitorBatchTransformStep(UnavailableStep):
    """Not available; see `UnavailableStep`."""

    alternative = "Use a TransformStep and a ProcessingStep that checks its output."
