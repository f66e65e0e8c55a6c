"""Processing jobs in the environment of scikit-learn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kinoloom.errors import UsageError
from kinoloom.pipelines import image_uris
from kinoloom.pipelines.compiling import Compiling
from kinoloom.pipelines.processing import ScriptProcessor
from kinoloom.pipelines.workflow.entities import PipelineVariable


class SKLearnProcessor(ScriptProcessor):
    """A script in the environment of scikit-learn.

    Args:
        framework_version: of the image, such as "1.0-1".
        role, command, **settings: as for `ScriptProcessor`, but for the image.
    """

    def __init__(
        self,
        framework_version: str,
        role: str | PipelineVariable | None = None,
        command: Sequence[str] | None = None,
        **settings: Any,
    ) -> None:
        if "image_uri" in settings:
            raise UsageError("An SKLearnProcessor takes its image from framework_version.")
        super().__init__(role, None, command, **settings)
        self.framework_version = framework_version

    def _request(self, compiling: Compiling, *given: Any) -> dict[str, Any]:
        region = compiling.session.boto_region_name
        self.image_uri = image_uris.retrieve("sklearn", region, self.framework_version)
        return super()._request(compiling, *given)
