"""Models in the environment of scikit-learn."""

from __future__ import annotations

from kinoloom.sagemaker._frameworks import VersionedModel


class SKLearnModel(VersionedModel):
    """A model in the environment of scikit-learn; see `VersionedModel`."""

    framework = "sklearn"
