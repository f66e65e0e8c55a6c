"""The experiment and trial of an execution."""

from kinoloom.pipelines.builder.settings import PipelineExperimentConfig

__all__ = ["PipelineExperimentConfig"]
