"""Files to and from s3:// addresses. Names and arguments are those of `sagemaker.s3`."""

from __future__ import annotations

from kinoloom.pipelines.code import local_path as existing
from kinoloom.pipelines.compiling import Session
from kinoloom.pipelines.workflow.pipeline_context import LocalPipelineSession


class S3Uploader:
    """Puts files at addresses."""

    @staticmethod
    def upload(
        local_path: str,
        desired_s3_uri: str,
        kms_key: str | None = None,
        sagemaker_session: Session | None = None,
    ) -> str:
        """Put a file below an address, or the files of a folder there.

        Args:
            local_path: of the file or folder.
            desired_s3_uri: the address of the folder that it goes to.
            kms_key: accepted.
            sagemaker_session: whose addresses; None takes a `LocalPipelineSession`.

        Returns:
            The address of the file, or of the folder.
        """
        path = existing(local_path)
        last = f"/{path.name}" if path.is_file() else ""
        uri = desired_s3_uri.rstrip("/") + last
        (sagemaker_session or LocalPipelineSession()).upload(path, uri)
        return uri

    @staticmethod
    def upload_string_as_file_body(
        body: str,
        desired_s3_uri: str,
        kms_key: str | None = None,
        sagemaker_session: Session | None = None,
    ) -> str:
        """Put text at an address, and give the address."""
        (sagemaker_session or LocalPipelineSession()).upload(body.encode(), desired_s3_uri)
        return desired_s3_uri
