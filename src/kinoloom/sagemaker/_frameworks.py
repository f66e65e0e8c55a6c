"""Estimators and models in the environment of a framework and its version."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from kinoloom.errors import UsageError
from kinoloom.pipelines.builder.variables import PipelineVariable
from kinoloom.sagemaker import image_uris
from kinoloom.sagemaker.estimator import Framework
from kinoloom.sagemaker.model import FrameworkModel


class VersionedFramework(Framework):
    """Base class of estimators of a framework.

    Args:
        entry_point: The script.
        framework_version: The image's version; required without an image_uri.
        py_version: The image's Python version.
        source_dir, hyperparameters, image_uri, **settings: See `Estimator`.
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
        """Return the image_uri, or the name of the framework's image.

        Args:
            region: The service's region; None means the region of the estimator's session.

        Raises:
            UsageError: The version or the region is missing.
        """
        return _find_image(self, region, self.instance_type, "training")


class VersionedModel(FrameworkModel):
    """Base class of models of a framework.

    Args:
        model_data, role, entry_point: See `Model`.
        framework_version: The image's version; required without an image_uri.
        py_version: The image's Python version.
        image_uri, **settings: See `Model`.
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
        """Return the image_uri, or the name of the framework's image.

        Raises:
            UsageError: The version or the region is missing.
        """
        return _find_image(self, region, None, "inference")


def _find_image(
    owner: VersionedFramework | VersionedModel,
    region: str | None,
    instance_type: Any,
    image_scope: str,
) -> str | PipelineVariable:
    if owner.image_uri is not None:
        return owner.image_uri
    region = region or getattr(owner.sagemaker_session, "boto_region_name", None)
    if region is None:
        raise UsageError("The image name needs a region.", hint="Pass a sagemaker_session.")
    return image_uris.retrieve(
        owner.framework,
        region,
        owner.framework_version,
        owner.py_version,
        instance_type,
        image_scope,
    )
