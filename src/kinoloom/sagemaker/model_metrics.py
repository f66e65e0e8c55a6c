"""The metrics of a model by their addresses, as `sagemaker.model_metrics`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kinoloom.pipelines.builder.variables import PipelineVariable, omit_none


@dataclass(frozen=True)
class MetricsSource:
    """A file of metrics.

    Attributes:
        content_type: Its media type.
        s3_uri: Its address.
        content_digest: The digest of its content, or None.
    """

    content_type: str | PipelineVariable
    s3_uri: str | PipelineVariable
    content_digest: str | PipelineVariable | None = None

    def to_request(self) -> dict[str, Any]:
        """Return the source's JSON in a request."""
        return omit_none(
            ContentType=self.content_type,
            S3Uri=self.s3_uri,
            ContentDigest=self.content_digest or None,
        )


@dataclass(frozen=True)
class FileSource:
    """A configuration file.

    Attributes:
        s3_uri: Its address.
        content_digest: The digest of its content, or None.
        content_type: Its media type, or None.
    """

    s3_uri: str | PipelineVariable
    content_digest: str | PipelineVariable | None = None
    content_type: str | PipelineVariable | None = None

    def to_request(self) -> dict[str, Any]:
        """Return the source's JSON in a request."""
        return omit_none(
            ContentType=self.content_type, S3Uri=self.s3_uri, ContentDigest=self.content_digest
        )


_MEMBERS = {
    "model_statistics": ("ModelQuality", "Statistics"),
    "model_constraints": ("ModelQuality", "Constraints"),
    "model_data_statistics": ("ModelDataQuality", "Statistics"),
    "model_data_constraints": ("ModelDataQuality", "Constraints"),
    "bias": ("Bias", "Report"),
    "bias_pre_training": ("Bias", "PreTrainingReport"),
    "bias_post_training": ("Bias", "PostTrainingReport"),
    "explainability": ("Explainability", "Report"),
}


@dataclass(frozen=True)
class ModelMetrics:
    """The metrics files of a registered model; each may be None."""

    model_statistics: MetricsSource | None = None
    model_constraints: MetricsSource | None = None
    model_data_statistics: MetricsSource | None = None
    model_data_constraints: MetricsSource | None = None
    bias: MetricsSource | None = None
    explainability: MetricsSource | None = None
    bias_pre_training: MetricsSource | None = None
    bias_post_training: MetricsSource | None = None

    def to_request(self) -> dict[str, Any]:
        """Return the metrics' JSON in a request; it always has "Bias" and "Explainability"."""
        return {"Bias": {}, "Explainability": {}, **group_sources(self, _MEMBERS)}


def group_sources(sources: Any, members: Mapping[str, tuple[str, str]]) -> dict[str, Any]:
    """Return the requests of an object's sources, grouped as the service has them.

    Args:
        sources: An object whose attributes are sources or None.
        members: The group and the member of each attribute.
    """
    request: dict[str, Any] = {}
    for name, (group, member) in members.items():
        source = getattr(sources, name)
        if source is not None:
            request.setdefault(group, {})[member] = source.to_request()
    return request
