"""Inputs of training and transform jobs, as `sagemaker.inputs`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kinoloom.pipelines.builder.variables import PipelineVariable, omit_none


@dataclass(frozen=True)
class TransformInput:
    """The input of a transform job; see `Transformer.transform` for the attributes."""

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
    """The machines of a model; accepted for compatibility, without effect."""

    instance_type: str | None = None
    accelerator_type: str | None = None


@dataclass(frozen=True)
class TrainingInput:
    """A channel of training data.

    Attributes:
        s3_data: An s3:// address or a pipeline variable.
        distribution: None means "FullyReplicated".
        compression, content_type, record_wrapping, input_mode: Members of the service's Channel.
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
        """Return the JSON of the channel under a name."""
        source = {
            "S3DataType": self.s3_data_type,
            "S3Uri": self.s3_data,
            "S3DataDistributionType": self.distribution or "FullyReplicated",
        }
        return omit_none(
            DataSource={"S3DataSource": source},
            CompressionType=self.compression,
            ContentType=self.content_type,
            RecordWrapperType=self.record_wrapping,
            InputMode=self.input_mode,
            ChannelName=channel,
        )
