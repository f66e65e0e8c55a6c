"""`NotebookJobStep`, which is not available."""

from __future__ import annotations

from kinoloom.sagemaker.workflow._unavailable import UnavailableStep


class NotebookJobStep(UnavailableStep):
    """Not available; see `UnavailableStep`."""

    alternative = "Run the notebook in a ProcessingStep: `jupyter nbconvert --execute`."
