"""`AutoMLStep`, which is not available."""

from __future__ import annotations

from kinoloom.sagemaker.workflow._unavailable import UnavailableStep


class AutoMLStep(UnavailableStep):
    """Not available; see `UnavailableStep`."""

    alternative = "A TuningStep tunes the hyper-parameters of a script."
