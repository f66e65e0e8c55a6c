"""Models in the environment of PyTorch."""

from __future__ import annotations

from kinoloom.sagemaker._frameworks import VersionedModel


class PyTorchModel(VersionedModel):
    """A model in the environment of PyTorch; see `VersionedModel`."""

    framework = "pytorch"
