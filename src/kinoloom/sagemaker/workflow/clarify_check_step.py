"""`ClarifyCheckStep`, which is not available."""

from __future__ import annotations

from kinoloom.sagemaker.workflow._unavailable import UnavailableStep


class ClarifyCheckStep(UnavailableStep):
    """Not available; see `UnavailableStep`."""

    alternative = "Use a ProcessingStep that checks the data and a ConditionStep."
