"""What was measured of a model, by its address. Names are those of `sagemaker.model_metrics`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kinoloom.pipelines.workflow.entities import PipelineVariable


@dataclass(frozen=True)
class MetricsSource:
    """One file of metrics.

    Attributes:
        content_type: its media type.
        s3_uri: its address.
        content_digest: the digest of its content, or None.
    """

    content_type: str | PipelineVariable
    s3_uri: str | PipelineVariable
    content_digest: str | PipelineVariable | None = None

    def to_request(self) -> dict[str, Any]:
        """Its JSON in a request."""
        made: dict[str, Any] = {"ContentType": self.content_type, "S3Uri": self.s3_uri}
        return {**made, "ContentDigest": self.content_digest} if self.content_digest else made


@dataclass(frozen=True)
class FileSource:
    """One file of settings.

    Attributes:
        s3_uri: its address.
        content_digest: the digest of its content, or None.
        content_type: its media type, or None.
    """

    s3_uri: str | PipelineVariable
    content_digest: str | PipelineVariable | None = None
    content_type: str | PipelineVariable | None = None

    def to_request(self) -> dict[str, Any]:
        """Its JSON in a request."""
        made = {
            "ContentType": self.content_type,
            "S3Uri": self.s3_uri,
            "ContentDigest": self.content_digest,
        }
        return {key: value for key, value in made.items() if value is not None}


_PLACES = {
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
    """The files of metrics that a registered model has; each may be None."""

    model_statistics: MetricsSource | None = None
    model_constraints: MetricsSource | None = None
    model_data_statistics: MetricsSource | None = None
    model_data_constraints: MetricsSource | None = None
    bias: MetricsSource | None = None
    explainability: MetricsSource | None = None
    bias_pre_training: MetricsSource | None = None
    bias_post_training: MetricsSource | None = None

    def to_request(self) -> dict[str, Any]:
        """Its JSON in a request; "Bias" and "Explainability" are there even when empty."""
        made: dict[str, Any] = {"Bias": {}, "Explainability": {}}
        for name, (part, member) in _PLACES.items():
            source = getattr(self, name)
            if source is not None:
                made.setdefault(part, {})[member] = source.to_request()
        return made
