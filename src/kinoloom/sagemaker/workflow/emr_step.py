"""`EMRStep`, which is not available."""

from __future__ import annotations

from kinoloom.sagemaker.workflow._unavailable import UnavailableStep


class EMRStep(UnavailableStep):
    """Not available; see `UnavailableStep`."""

    alternative = "Use a ProcessingStep."
