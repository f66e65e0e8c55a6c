"""Pipeline variables."""

from kinoloom.pipelines.builder.variables import PipelineVariable

__all__ = ["PipelineVariable"]
