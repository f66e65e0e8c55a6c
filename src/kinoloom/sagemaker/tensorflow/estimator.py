"""Training jobs in the environment of TensorFlow."""

from __future__ import annotations

from kinoloom.sagemaker._frameworks import VersionedFramework


class TensorFlow(VersionedFramework):
    """A training script in the environment of TensorFlow; see `VersionedFramework`."""

    framework = "tensorflow"
