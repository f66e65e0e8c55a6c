"""Training jobs, models and processing jobs in the environment of a framework and its version."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from kinoloom.errors import UsageError
from kinoloom.pipelines import image_uris
from kinoloom.pipelines.estimator import Framework
from kinoloom.pipelines.model import FrameworkModel
from kinoloom.pipelines.workflow.entities import PipelineVariable


class VersionedFramework(Framework):
    """A training script in the environment of a framework; use one of its subclasses.

    Args:
        entry_point: the script.
        framework_version: of the image; needed where no image_uri is given.
        py_version: of the image's Python.
        source_dir, hyperparameters, image_uri, **settings: as for `Estimator`.
    """

    framework: ClassVar[str]

    def __init__(
        self,
        entry_point: str | None = None,
        framework_version: str | None = None,
        py_version: str | None = None,
        source_dir: str | None = None,
        hyperparameters: Mapping[str, Any] | None = None,
        image_uri: str | PipelineVariable | None = None,
        **settings: Any,
    ) -> None:
        super().__init__(
            image_uri,
            entry_point=entry_point,
            source_dir=source_dir,
            hyperparameters=hyperparameters,
            **settings,
        )
        self.framework_version = framework_version
        self.py_version = py_version

    def training_image_uri(self, region: str | None = None) -> str | PipelineVariable:
        """The image given, or that of the framework's version.

        Args:
            region: of the service; None is that of the estimator's session.

        Raises:
            UsageError: no version or region is known.
        """
        if self.image_uri is not None:
            return self.image_uri
        return image_uris.retrieve(
            self.framework,
            _region(region, self.sagemaker_session),
            self.framework_version,
            self.py_version,
            self.instance_type,
        )


class VersionedModel(FrameworkModel):
    """A model in the environment of a framework; use one of its subclasses.

    Args:
        model_data, role, entry_point: as for `Model`.
        framework_version: of the image; needed where no image_uri is given.
        py_version: of the image's Python.
        image_uri, **settings: as for `Model`.
    """

    framework: ClassVar[str]

    def __init__(
        self,
        model_data: str | PipelineVariable | None = None,
        role: str | PipelineVariable | None = None,
        entry_point: str | None = None,
        framework_version: str | None = None,
        py_version: str | None = None,
        image_uri: str | PipelineVariable | None = None,
        **settings: Any,
    ) -> None:
        super().__init__(model_data, image_uri, role, entry_point, **settings)
        self.framework_version = framework_version
        self.py_version = py_version

    def serving_image_uri(self, region: str | None = None) -> str | PipelineVariable:
        """The image given, or that of the framework's version.

        Raises:
            UsageError: no version or region is known.
        """
        if self.image_uri is not None:
            return self.image_uri
        return image_uris.retrieve(
            self.framework,
            _region(region, self.sagemaker_session),
            self.framework_version,
            self.py_version,
            image_scope="inference",
        )


def _region(region: str | None, session: Any) -> str:
    found = region or getattr(session, "boto_region_name", None)
    if found is None:
        raise UsageError("The name of an image needs a region.", hint="Give a sagemaker_session.")
    return str(found)
