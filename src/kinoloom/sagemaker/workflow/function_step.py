"""Functions as steps."""

from kinoloom.pipelines.builder.function_steps import step

__all__ = ["step"]
