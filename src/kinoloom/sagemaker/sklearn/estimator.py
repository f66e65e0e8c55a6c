"""Training jobs in the environment of scikit-learn."""

from __future__ import annotations

from kinoloom.sagemaker._frameworks import VersionedFramework


class SKLearn(VersionedFramework):
    """A training script in the environment of scikit-learn; see `VersionedFramework`."""

    framework = "sklearn"
