"""Models in the environment of TensorFlow."""

from __future__ import annotations

from kinoloom.sagemaker._frameworks import VersionedModel


class TensorFlowModel(VersionedModel):
    """A model in the environment of TensorFlow; see `VersionedModel`."""

    framework = "tensorflow"
