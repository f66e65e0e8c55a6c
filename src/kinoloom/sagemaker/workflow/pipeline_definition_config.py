"""How a pipeline is compiled."""

from kinoloom.pipelines.builder.settings import PipelineDefinitionConfig

__all__ = ["PipelineDefinitionConfig"]
