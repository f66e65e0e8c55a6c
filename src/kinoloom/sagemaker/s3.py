"""Files at s3:// addresses, as `sagemaker.s3`."""

from __future__ import annotations

from pathlib import Path

from kinoloom.errors import UsageError
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
        return code.upload_data(session, local_path, desired_s3_uri)

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


class S3Downloader:
    """Reads files at s3:// addresses."""

    @staticmethod
    def read_bytes(s3_uri: str, sagemaker_session: FileSession | None = None) -> bytes:
        """Return the file at an address.

        Raises:
            UsageError, ExecutionError: There is no file.
        """
        return (sagemaker_session or LocalPipelineSession()).read_object(s3_uri)

    @staticmethod
    def read_file(s3_uri: str, sagemaker_session: FileSession | None = None) -> str:
        """Return the text at an address; see `read_bytes`."""
        return S3Downloader.read_bytes(s3_uri, sagemaker_session).decode()

    @staticmethod
    def download(
        s3_uri: str,
        local_path: str,
        kms_key: str | None = None,
        sagemaker_session: FileSession | None = None,
    ) -> list[str]:
        """Copy the file, or the files below an address, into a folder and return their paths.

        Args:
            s3_uri: The address.
            local_path: The folder; created if missing.
            kms_key: Accepted for compatibility.
            sagemaker_session: The session that stores them; None means a `LocalPipelineSession`.

        Raises:
            UsageError: A file's address leaves the folder.
        """
        session = sagemaker_session or LocalPipelineSession()
        paths = []
        for uri in session.list_objects(s3_uri):
            inner = uri.removeprefix(s3_uri).strip("/") or uri.rpartition("/")[2]
            target = Path(local_path, inner)
            if not target.resolve().is_relative_to(Path(local_path).resolve()):
                raise UsageError(f"{uri} is not within {s3_uri}.")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(session.read_object(uri))
            paths.append(str(target))
        return paths

    @staticmethod
    def list(s3_uri: str, sagemaker_session: FileSession | None = None) -> list[str]:
        """Return the addresses of the files at and below an address."""
        return (sagemaker_session or LocalPipelineSession()).list_objects(s3_uri)


def s3_path_join(*parts: str | None, with_end_slash: bool = False) -> str:
    """Return parts of an address joined by single slashes; None and "" are left out."""
    scheme = "s3://" if str(parts[0] if parts else "").startswith("s3:/") else ""
    named = [part.removeprefix("s3:").strip("/") for part in parts if part]
    joined = "/".join(word for part in named for word in part.split("/") if word)
    return scheme + joined + ("/" if with_end_slash and joined else "")
