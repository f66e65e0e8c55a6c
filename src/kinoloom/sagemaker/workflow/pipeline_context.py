"""Sessions under the SDK's names."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from kinoloom.pipelines.aws.session import SageMakerSession
from kinoloom.pipelines.builder.code import upload_data
from kinoloom.pipelines.local.session import LocalSession
from kinoloom.pipelines.local.storage.workspace import DEFAULT_ROOT, ROOT_VARIABLE
from kinoloom.pipelines.protocols import FileSession


class DataUploads:
    """The SDK's method for uploads of data, for sessions."""

    def upload_data(
        self: FileSession,
        path: str,
        bucket: str | None = None,
        key_prefix: str = "data",
        callback: Any = None,
        extra_args: Any = None,
    ) -> str:
        """Upload a file, or the files of a folder, and return the address.

        Args:
            path: The file or folder.
            bucket: The bucket; None means the session's.
            key_prefix: The folder in the bucket.
            callback, extra_args: Accepted for compatibility.

        Raises:
            InputNotFoundError: The file or folder does not exist.
        """
        parts = [bucket or self.default_bucket(), None if bucket else self.default_bucket_prefix]
        uri = "s3://" + "/".join(part for part in (*parts, key_prefix) if part)
        return upload_data(self, path, uri)


class LocalPipelineSession(LocalSession, DataUploads):
    """A `LocalSession` with the SDK's arguments.

    The SDK's session forgets its pipelines when its process ends, and its users call `create()` in
    every run; so `create()` does here what `upsert()` does. As in the SDK, a step runs in every
    execution unless its `CacheConfig` requests caching; `LocalSession` caches by default. And as
    in the SDK, the progress of executions is printed, here on standard error.

    Args:
        boto_session, s3_endpoint_url, disable_local_code: Accepted for compatibility; nothing is
            contacted.
        default_bucket: The bucket of code and outputs without an address; None means "local".
        default_bucket_prefix: A prefix for keys in that bucket.
        root: The workspace folder; None means the environment variable KINOLOOM_PIPELINES, or
            `.kinoloom` in the current folder.
    """

    create_replaces = True
    shows_progress = True

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
            root or os.environ.get(ROOT_VARIABLE) or DEFAULT_ROOT,
            default_bucket=default_bucket or "local",
            default_bucket_prefix=default_bucket_prefix,
            strict=True,
        )


class PipelineSession(SageMakerSession, DataUploads):
    """A `SageMakerSession` with the SDK's arguments.

    Args:
        boto_session: A `boto3.Session`; None creates one from the environment.
        sagemaker_client: None creates one from the session.
        default_bucket: The bucket of code and outputs; None means
            `sagemaker-<region>-<account>`.
        settings, sagemaker_config: Accepted for compatibility.
        default_bucket_prefix: A prefix for keys in that bucket.
        role: The ARN of the role of pipelines and jobs without one.
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
