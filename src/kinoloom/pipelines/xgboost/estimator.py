"""Training jobs in the environment of XGBoost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kinoloom.pipelines import image_uris
from kinoloom.pipelines.estimator import Framework
from kinoloom.pipelines.workflow.entities import PipelineVariable


class XGBoost(Framework):
    """A training script in the environment of XGBoost.

    Args:
        entry_point: the script.
        framework_version: of the image, such as "1.5-1".
        source_dir, hyperparameters, **settings: as for `Estimator`.
    """

    def __init__(
        self,
        entry_point: str,
        framework_version: str,
        source_dir: str | None = None,
        hyperparameters: Mapping[str, Any] | None = None,
        **settings: Any,
    ) -> None:
        super().__init__(
            entry_point=entry_point,
            source_dir=source_dir,
            hyperparameters=hyperparameters,
            **settings,
        )
        self.framework_version = framework_version

    def training_image_uri(self, region: str) -> str | PipelineVariable:
        """The image given, or that of the framework's version."""
        return self.image_uri or image_uris.retrieve("xgboost", region, self.framework_version)
