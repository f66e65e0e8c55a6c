"""Uploads to s3:// addresses, as `sagemaker.s3`."""

from __future__ import annotations

from kinoloom.pipelines.builder import code
from kinoloom.pipelines.protocols import FileSession
from kinoloom.sagemaker.workflow.pipeline_context import LocalPipelineSession


class S3Uploader:
    """Stores files at s3:// addresses."""

    @staticmethod
    def upload(
        local_path: str,
        desired_s3_uri: str,
        kms_key: str | None = None,
        sagemaker_session: FileSession | None = None,
    ) -> str:
        """Upload a file, or the files of a folder, to a folder at an address; others are kept.

        Args:
            local_path: The file or folder.
            desired_s3_uri: The address of the target folder.
            kms_key: Accepted for compatibility.
            sagemaker_session: The session that stores it; None means a `LocalPipelineSession`.

        Returns:
            The address of the file, or of the folder.

        Raises:
            InputNotFoundError: The file or folder does not exist.
        """
        session = sagemaker_session or LocalPipelineSession()
        path, uri = code.local_path(local_path), desired_s3_uri.rstrip("/")
        if path.is_file():
            session.upload(path, f"{uri}/{path.name}")
            return f"{uri}/{path.name}"
        for file in sorted(one for one in path.rglob("*") if one.is_file()):
            session.upload(file, f"{uri}/{file.relative_to(path).as_posix()}")
        return uri

    @staticmethod
    def upload_string_as_file_body(
        body: str,
        desired_s3_uri: str,
        kms_key: str | None = None,
        sagemaker_session: FileSession | None = None,
    ) -> str:
        """Store text at an address and return the address."""
        (sagemaker_session or LocalPipelineSession()).upload(body.encode(), desired_s3_uri)
        return desired_s3_uri
