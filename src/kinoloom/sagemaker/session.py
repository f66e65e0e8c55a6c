"""The SDK's plain session, as `sagemaker.session`."""

from __future__ import annotations

from kinoloom.pipelines.protocols import FileSession
from kinoloom.sagemaker.workflow.pipeline_context import LocalPipelineSession


class Session(LocalPipelineSession):
    """A `LocalPipelineSession` under the name of the SDK's plain session."""


def get_execution_role(sagemaker_session: FileSession | None = None) -> str:
    """Return the role of a session; None means a new `LocalPipelineSession`."""
    return (sagemaker_session or LocalPipelineSession()).default_role()
