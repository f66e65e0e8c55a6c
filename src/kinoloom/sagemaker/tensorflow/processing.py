"""Processing jobs in the environment of TensorFlow."""

from __future__ import annotations

from typing import Any

from kinoloom.sagemaker.processing import FrameworkProcessor
from kinoloom.sagemaker.tensorflow.estimator import TensorFlow


class TensorFlowProcessor(FrameworkProcessor):
    """A script with its folder in the environment of TensorFlow; see `FrameworkProcessor`."""

    def __init__(self, framework_version: str | None = None, *args: Any, **settings: Any) -> None:
        super().__init__(TensorFlow, framework_version, *args, **settings)
