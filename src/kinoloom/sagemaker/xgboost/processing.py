"""Processing jobs in the environment of XGBoost."""

from __future__ import annotations

from typing import Any

from kinoloom.sagemaker.processing import FrameworkProcessor
from kinoloom.sagemaker.xgboost.estimator import XGBoost


class XGBoostProcessor(FrameworkProcessor):
    """A script with its folder in the environment of XGBoost; see `FrameworkProcessor`."""

    def __init__(self, framework_version: str | None = None, *args: Any, **settings: Any) -> None:
        super().__init__(XGBoost, framework_version, *args, **settings)
