"""Inputs of training jobs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kinoloom.pipelines.workflow.entities import PipelineVariable


@dataclass(frozen=True)
class TransformInput:
    """What a `Transformer` is applied to; see `Transformer.transform` for the attributes."""

    data: str | PipelineVariable
    data_type: str | PipelineVariable = "S3Prefix"
    content_type: str | PipelineVariable | None = None
    compression_type: str | PipelineVariable | None = None
    split_type: str | PipelineVariable | None = None
    input_filter: str | PipelineVariable | None = None
    output_filter: str | PipelineVariable | None = None
    join_source: str | PipelineVariable | None = None
    model_client_config: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class CreateModelInput:
    """Machines of a model; accepted where the SDK takes it, they mean nothing here."""

    instance_type: str | None = None
    accelerator_type: str | None = None


@dataclass(frozen=True)
class TrainingInput:
    """One channel of data.

    Attributes:
        s3_data: an s3:// address or a pipeline variable.
        distribution: "FullyReplicated" when None.
        compression, content_type, record_wrapping, input_mode: as the service has them.
        s3_data_type: "S3Prefix" or "ManifestFile".
    """

    s3_data: str | PipelineVariable
    distribution: str | PipelineVariable | None = None
    compression: str | PipelineVariable | None = None
    content_type: str | PipelineVariable | None = None
    record_wrapping: str | PipelineVariable | None = None
    s3_data_type: str | PipelineVariable = "S3Prefix"
    input_mode: str | PipelineVariable | None = None

    def to_request(self, channel: str) -> dict[str, Any]:
        """Its JSON as a channel of that name."""
        source = {
            "S3DataType": self.s3_data_type,
            "S3Uri": self.s3_data,
            "S3DataDistributionType": self.distribution or "FullyReplicated",
        }
        optional = {
            "CompressionType": self.compression,
            "ContentType": self.content_type,
            "RecordWrapperType": self.record_wrapping,
            "InputMode": self.input_mode,
        }
        made: dict[str, Any] = {"DataSource": {"S3DataSource": source}}
        made.update({key: value for key, value in optional.items() if value is not None})
        return {**made, "ChannelName": channel}
