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
        return _image(self, region, self.instance_type, "training")


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
        return _image(self, region, None, "inference")


def _image(
    owner: VersionedFramework | VersionedModel, region: str | None, machine: Any, scope: str
) -> str | PipelineVariable:
    """The image that was given, or the name of the service's own."""
    if owner.image_uri is not None:
        return owner.image_uri
    place = region or getattr(owner.sagemaker_session, "boto_region_name", None)
    if place is None:
        raise UsageError("The name of an image needs a region.", hint="Give a sagemaker_session.")
    return image_uris.retrieve(
        owner.framework, place, owner.framework_version, owner.py_version, machine, scope
    )
