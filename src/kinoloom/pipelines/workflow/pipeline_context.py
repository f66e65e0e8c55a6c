"""Sessions under the SDK's names."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from kinoloom.pipelines.aws.session import SageMakerSession
from kinoloom.pipelines.local.session import LocalSession

ROOT_VARIABLE = "KINOLOOM_PIPELINES"


class LocalPipelineSession(LocalSession):
    """A `LocalSession` that is made as the SDK makes its own.

    Args:
        boto_session, s3_endpoint_url, disable_local_code: accepted; nothing is ever contacted.
        default_bucket: for code and outputs without an address; None is "local".
        default_bucket_prefix: put before keys in that bucket.
        root: the folder of everything; None takes the environment variable KINOLOOM_PIPELINES, or
            `.kinoloom` in the current folder.

    The SDK's own forgets its pipelines when its process ends, and its users call `create()` in
    every run; so here `create()` does what `upsert()` does.
    """

    create_replaces = True

    def __init__(
        self,
        boto_session: Any = None,
        default_bucket: str | None = None,
        s3_endpoint_url: str | None = None,
        disable_local_code: bool = False,
        default_bucket_prefix: str | None = None,
        root: str | Path | None = None,
    ) -> None:
        super().__init__(
            root or os.environ.get(ROOT_VARIABLE) or ".kinoloom",
            default_bucket=default_bucket or "local",
            default_bucket_prefix=default_bucket_prefix,
        )


class PipelineSession(SageMakerSession):
    """A `SageMakerSession` that is made as the SDK makes its own.

    Args:
        boto_session: a `boto3.Session`; None makes one of the usual places of settings.
        sagemaker_client: None makes one of the session.
        default_bucket: for code and outputs; None is `sagemaker-<region>-<account>`.
        settings, sagemaker_config: accepted.
        default_bucket_prefix: put before keys in that bucket.
        role: the ARN of the role of jobs and pipelines for which none was given.
    """

    def __init__(
        self,
        boto_session: Any = None,
        sagemaker_client: Any = None,
        default_bucket: str | None = None,
        settings: Any = None,
        sagemaker_config: Any = None,
        default_bucket_prefix: str | None = None,
        role: str | None = None,
    ) -> None:
        super().__init__(
            boto_session,
            role,
            default_bucket,
            default_bucket_prefix,
            sagemaker_client=sagemaker_client,
        )


__all__ = ["LocalPipelineSession", "PipelineSession"]
