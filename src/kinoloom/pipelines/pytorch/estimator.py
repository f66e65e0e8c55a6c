"""Training jobs in the environment of PyTorch."""

from __future__ import annotations

from kinoloom.pipelines.frameworks import VersionedFramework


class PyTorch(VersionedFramework):
    """A training script in the environment of PyTorch; see `VersionedFramework`."""

    framework = "pytorch"
    _metrics_series = True
