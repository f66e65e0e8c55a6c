"""Models in the environment of XGBoost."""

from __future__ import annotations

from typing import Any

from kinoloom.pipelines import image_uris
from kinoloom.pipelines.model import FrameworkModel
from kinoloom.pipelines.workflow.entities import PipelineVariable


class XGBoostModel(FrameworkModel):
    """A model that a script serves in the environment of XGBoost.

    Args:
        model_data: the archive.
        role: of the model; None takes the session's.
        entry_point: the inference script.
        framework_version: of the image, such as "1.5-1".
        **settings: as for `FrameworkModel`.
    """

    def __init__(
        self,
        model_data: str | PipelineVariable | None = None,
        role: str | PipelineVariable | None = None,
        entry_point: str | None = None,
        framework_version: str | None = None,
        **settings: Any,
    ) -> None:
        super().__init__(model_data=model_data, role=role, entry_point=entry_point, **settings)
        self.framework_version = framework_version

    def serving_image_uri(self, region: str) -> str | PipelineVariable:
        """The image given, or that of the framework's version."""
        return self.image_uri or image_uris.retrieve("xgboost", region, self.framework_version)
