"""Functions as steps."""

from kinoloom.pipelines.builder.functions.decorator import step

__all__ = ["step"]
