"""Processing jobs in the environment of scikit-learn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kinoloom.errors import UsageError
from kinoloom.pipelines.builder.context import CompileContext
from kinoloom.pipelines.builder.variables import PipelineVariable
from kinoloom.sagemaker import image_uris
from kinoloom.sagemaker.processing import ScriptProcessor


class SKLearnProcessor(ScriptProcessor):
    """A script in the environment of scikit-learn.

    Args:
        framework_version: The image's version, such as "1.0-1".
        role, command, **settings: See `ScriptProcessor`; without an image_uri.

    Raises:
        UsageError: An image_uri is given.
    """

    def __init__(
        self,
        framework_version: str,
        role: str | PipelineVariable | None = None,
        command: Sequence[str] | None = None,
        **settings: Any,
    ) -> None:
        if "image_uri" in settings:
            raise UsageError("SKLearnProcessor has no image_uri: framework_version names it.")
        super().__init__(role, None, command, **settings)
        self.framework_version = framework_version

    def _build_request(self, context: CompileContext, *arguments: Any) -> dict[str, Any]:
        region = context.session.boto_region_name
        self.image_uri = image_uris.retrieve("sklearn", region, self.framework_version)
        return super()._build_request(context, *arguments)
