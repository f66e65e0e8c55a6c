"""Sessions under the SDK's names."""

from kinoloom.pipelines.local.session import LocalSession

LocalPipelineSession = LocalSession

__all__ = ["LocalPipelineSession"]
