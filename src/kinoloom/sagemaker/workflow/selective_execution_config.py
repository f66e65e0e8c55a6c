"""The selected steps of an execution."""

from kinoloom.pipelines.builder.settings import SelectiveExecutionConfig

__all__ = ["SelectiveExecutionConfig"]
