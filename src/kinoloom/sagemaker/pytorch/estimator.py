"""Training jobs in the environment of PyTorch."""

from __future__ import annotations

from kinoloom.sagemaker._frameworks import VersionedFramework


class PyTorch(VersionedFramework):
    """A training script in the environment of PyTorch; see `VersionedFramework`."""

    framework = "pytorch"
    _enable_metrics = True
