"""Processing jobs in the environment of PyTorch."""

from __future__ import annotations

from typing import Any

from kinoloom.sagemaker.processing import FrameworkProcessor
from kinoloom.sagemaker.pytorch.estimator import PyTorch


class PyTorchProcessor(FrameworkProcessor):
    """A script with its folder in the environment of PyTorch; see `FrameworkProcessor`."""

    def __init__(self, framework_version: str | None = None, *args: Any, **settings: Any) -> None:
        super().__init__(PyTorch, framework_version, *args, **settings)
