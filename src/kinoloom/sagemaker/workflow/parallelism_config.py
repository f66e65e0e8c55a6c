"""The maximum number of concurrent steps."""

from kinoloom.pipelines.builder.settings import ParallelismConfiguration

__all__ = ["ParallelismConfiguration"]
