"""`NotebookJobStep`, which is refused."""

from __future__ import annotations

from kinoloom.pipelines.workflow.refused import RefusedStep


class NotebookJobStep(RefusedStep):
    """Refused; see `RefusedStep`."""

    instead = "A ProcessingStep can run the notebook: `jupyter nbconvert --execute`."
