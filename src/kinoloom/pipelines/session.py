"""What SDK users take from `sagemaker.session`."""

from __future__ import annotations

from kinoloom.pipelines.compiling import Session as AnySession
from kinoloom.pipelines.workflow.pipeline_context import LocalPipelineSession


class Session(LocalPipelineSession):
    """A `LocalPipelineSession` under the name of the SDK's plain session."""


def get_execution_role(sagemaker_session: AnySession | None = None) -> str:
    """The role of a session; a `LocalPipelineSession`'s when None, which means nothing."""
    return (sagemaker_session or LocalPipelineSession()).default_role()
