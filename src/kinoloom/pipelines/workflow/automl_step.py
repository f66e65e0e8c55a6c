"""`AutoMLStep`, which is refused."""

from __future__ import annotations

from kinoloom.pipelines.workflow.refused import RefusedStep


class AutoMLStep(RefusedStep):
    """Refused; see `RefusedStep`."""

    instead = "A TuningStep searches hyper-parameters of a script."
