"""Training jobs in the environment of XGBoost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kinoloom.sagemaker._frameworks import VersionedFramework


class XGBoost(VersionedFramework):
    """A training script in the environment of XGBoost.

    Args:
        entry_point, framework_version, source_dir, hyperparameters, py_version, **settings: See
            `VersionedFramework`; the SDK has this order.
    """

    framework = "xgboost"

    def __init__(
        self,
        entry_point: str | None = None,
        framework_version: str | None = None,
        source_dir: str | None = None,
        hyperparameters: Mapping[str, Any] | None = None,
        py_version: str = "py3",
        **settings: Any,
    ) -> None:
        super().__init__(
            entry_point, framework_version, py_version, source_dir, hyperparameters, **settings
        )
