"""SageMakerSession: pipelines on Amazon SageMaker.

Code and data are uploaded to S3 under the digest of their content, and only if they are not there
yet. Definitions of 100 KiB and more go to S3 too, as the service requires.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

from kinoloom.base.provenance import sha256
from kinoloom.errors import ExecutionError, UsageError
from kinoloom.pipelines.aws.buckets import create_bucket
from kinoloom.pipelines.aws.execution import SageMakerExecution
from kinoloom.pipelines.aws.images import function_image
from kinoloom.pipelines.aws.service import Service
from kinoloom.pipelines.builder.code import bytes_digest
from kinoloom.pipelines.language import load_text
from kinoloom.pipelines.local.scope import as_text

_MAX_INLINE_BYTES = 100 << 10
_DIGEST_KEY = "kinoloom-sha256"


class SageMakerSession:
    """Runs pipelines on Amazon SageMaker.

    Args:
        boto_session: A `boto3.Session`; None creates one from the environment.
        role: The ARN of the role of pipelines and jobs without one.
        default_bucket: The bucket of code and outputs, created if missing; None means
            `sagemaker-<region>-<account>`.
        default_bucket_prefix: A prefix for keys in that bucket.
        sagemaker_client, s3_client: None creates them from the session.

    Raises:
        MissingExtraError: boto3 is not installed.
        UsageError: No region is configured.
    """

    local_mode = False
    create_replaces = False

    def __init__(
        self,
        boto_session: Any = None,
        role: str | None = None,
        default_bucket: str | None = None,
        default_bucket_prefix: str | None = None,
        sagemaker_client: Any = None,
        s3_client: Any = None,
    ) -> None:
        self._service = Service(boto_session, sagemaker_client, s3_client)
        self.boto_session = self._service.boto_session
        self.boto_region_name = self._service.region
        self.sagemaker_client = self._service.sagemaker
        self.default_bucket_prefix = default_bucket_prefix
        self._role = role
        self._bucket = default_bucket

    def default_bucket(self) -> str:
        """Return the bucket of code and outputs without an address; it is created if missing.

        Raises:
            ExecutionError: AWS rejected the request, or the bucket belongs to another account.
        """
        return self._existing_bucket

    @cached_property
    def _existing_bucket(self) -> str:
        # Anyone can own a bucket with the name that is derived from an account.
        owner = {} if self._bucket else {"ExpectedBucketOwner": self._account}
        name = self._bucket or f"sagemaker-{self.boto_region_name}-{self._account}"
        create_bucket(self._service, name, owner)
        return name

    @cached_property
    def _account(self) -> str:
        return str(self.boto_session.client("sts").get_caller_identity()["Account"])

    def default_role(self) -> str:
        """Return the role of jobs without one.

        Raises:
            UsageError: The session has no role.
        """
        if self._role is None:
            raise UsageError("The session has no role.", hint="Pass SageMakerSession(role=...).")
        return self._role

    def default_image(self) -> str:
        """Return the image of functions as steps without one.

        Raises:
            UsageError: AWS has no image with this Python version.
        """
        return function_image(self.boto_region_name)

    def upload(self, content: Path | bytes, uri: str) -> None:
        """Upload a file, a folder or bytes to an s3:// address unless it is already there.

        Raises:
            ExecutionError: AWS rejected the request.
        """
        if isinstance(content, Path) and content.is_dir():
            for file in sorted(path for path in content.rglob("*") if path.is_file()):
                self.upload(file, f"{uri}/{file.relative_to(content).as_posix()}")
            return
        parts = urlparse(uri)
        key = {"Bucket": parts.netloc, "Key": parts.path.lstrip("/")}
        digest = sha256(content) if isinstance(content, Path) else bytes_digest(content)
        if self._is_uploaded(key, digest):
            return
        metadata = {"Metadata": {_DIGEST_KEY: digest}}
        s3, call = self._service.s3, self._service.call
        if isinstance(content, Path):
            call(s3.upload_file, Filename=str(content), ExtraArgs=metadata, **key)
        else:
            call(s3.put_object, Body=content, **metadata, **key)

    def read_object(self, uri: str) -> bytes:
        """Return the file at an address.

        Raises:
            ExecutionError: AWS rejected the request, for example because there is no file.
        """
        parts = urlparse(uri)
        response = self._service.call(
            self._service.s3.get_object, Bucket=parts.netloc, Key=parts.path.lstrip("/")
        )
        content: bytes = response["Body"].read()
        return content

    def list_objects(self, uri: str) -> list[str]:
        """Return the addresses of the files at and below an address.

        Raises:
            ExecutionError: AWS rejected the request.
        """
        parts = urlparse(uri)
        request = {"Bucket": parts.netloc, "Prefix": parts.path.lstrip("/")}
        listed: list[str] = []
        more: dict[str, str] = {}
        while True:
            page = self._service.call(self._service.s3.list_objects_v2, **request, **more)
            listed += [f"s3://{parts.netloc}/{one['Key']}" for one in page.get("Contents", ())]
            if "NextContinuationToken" not in page:
                return listed
            more = {"ContinuationToken": page["NextContinuationToken"]}

    def _is_uploaded(self, key: Mapping[str, str], digest: str) -> bool:
        from botocore.exceptions import ClientError

        try:
            metadata = self._service.s3.head_object(**key)["Metadata"]
        except ClientError as error:
            if error.response["Error"]["Code"] in ("404", "NoSuchKey", "NotFound"):
                return False
            raise ExecutionError(f"s3://{key['Bucket']}: {error}") from error
        return bool(metadata.get(_DIGEST_KEY) == digest)

    def put_pipeline(
        self, name: str, definition: str, description: str = "", role: str | None = None
    ) -> str:
        """Create a pipeline, or replace the definition of an existing one, and return its ARN.

        Raises:
            DefinitionError: The definition is invalid.
            UsageError: There is no role.
            ExecutionError: AWS rejected the request.
        """
        load_text(definition)
        request = {
            "PipelineName": name,
            "RoleArn": role or self.default_role(),
            **self._definition_members(name, definition),
            **({"PipelineDescription": description} if description else {}),
        }
        verb = "update_pipeline" if self._exists(name) else "create_pipeline"
        response = self._service.call(getattr(self.sagemaker_client, verb), **request)
        return str(response["PipelineArn"])

    def _definition_members(self, name: str, definition: str) -> dict[str, Any]:
        """Return the request's members for a definition: the text, or its address in S3."""
        content = definition.encode()
        if len(content) < _MAX_INLINE_BYTES:
            return {"PipelineDefinition": definition}
        prefix = [self.default_bucket_prefix] if self.default_bucket_prefix else []
        key = "/".join([*prefix, name, "definition", f"{bytes_digest(content)}.json"])
        self.upload(content, f"s3://{self.default_bucket()}/{key}")
        location = {"Bucket": self.default_bucket(), "ObjectKey": key}
        return {"PipelineDefinitionS3Location": location}

    def _exists(self, name: str) -> bool:
        try:
            self.describe_pipeline(name)
        except UsageError:
            return False
        return True

    def describe_pipeline(self, name: str) -> dict[str, Any]:
        """Return the response of DescribePipeline.

        Raises:
            UsageError: The pipeline does not exist.
        """
        response: dict[str, Any] = self._service.call(
            self.sagemaker_client.describe_pipeline, PipelineName=name
        )
        return response

    def delete_pipeline(self, name: str) -> None:
        """Delete a pipeline.

        Raises:
            UsageError: The pipeline does not exist.
        """
        self._service.call(self.sagemaker_client.delete_pipeline, PipelineName=name)

    def start(
        self,
        name: str,
        parameters: Mapping[str, Any] | None = None,
        *,
        display_name: str = "",
        description: str = "",
        max_parallel: int = 0,
        selected: Any = None,
    ) -> SageMakerExecution:
        """Start an execution and return at once.

        Args:
            name: The pipeline's name.
            parameters: Values by parameter name; other parameters keep their defaults.
            display_name, description: Shown to people.
            max_parallel: Maximum number of concurrent steps; 0 leaves it to the service.
            selected: A `SelectiveExecutionConfig`: the steps that run; None means all.

        Raises:
            UsageError: The pipeline does not exist, or has no execution to reuse steps from.
            ExecutionError: AWS rejected the request.
        """
        optional = {
            "PipelineExecutionDisplayName": display_name,
            "PipelineExecutionDescription": description,
            "PipelineParameters": [
                {"Name": key, "Value": as_text(value)} for key, value in (parameters or {}).items()
            ],
            "ParallelismConfiguration": {"MaxParallelExecutionSteps": max_parallel}
            if max_parallel
            else None,
            "SelectiveExecutionConfig": self._selection(name, selected) if selected else None,
        }
        request = {key: value for key, value in optional.items() if value}
        method = self.sagemaker_client.start_pipeline_execution
        response = self._service.call(method, PipelineName=name, **request)
        return SageMakerExecution(self._service, response["PipelineExecutionArn"])

    def _selection(self, name: str, selected: Any) -> dict[str, Any]:
        """Return a selective execution's request; the latest execution is the default source."""
        request: dict[str, Any] = selected.to_request()
        if "SourcePipelineExecutionArn" in request or not selected.reference_latest_execution:
            return request
        earlier = self.executions(name)
        if not earlier:
            raise UsageError(f"Pipeline '{name}' has no execution to reuse steps from.")
        return {**request, "SourcePipelineExecutionArn": earlier[0].arn}

    def executions(self, name: str) -> list[SageMakerExecution]:
        """Return the executions of a pipeline, latest first."""
        rows = self._service.list_all(
            self.sagemaker_client.list_pipeline_executions,
            "PipelineExecutionSummaries",
            PipelineName=name,
        )
        return [SageMakerExecution(self._service, row["PipelineExecutionArn"]) for row in rows]
