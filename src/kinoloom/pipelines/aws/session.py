"""SageMakerSession: the same pipelines, run by the service.

Code and data go to S3 under the hash of their content, and are not sent again while they are
there. Definitions of 100 KiB and more go to S3 too, as the service wants it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

from kinoloom.base.need import need
from kinoloom.base.provenance import sha256
from kinoloom.errors import ExecutionError, UsageError
from kinoloom.pipelines.aws.execution import SageMakerExecution
from kinoloom.pipelines.code import bytes_digest
from kinoloom.pipelines.language import load_text
from kinoloom.pipelines.local.evaluate import as_text

_MOST_BYTES = 100 << 10  # of a definition in a request
_MARK = "kinoloom-sha256"


class SageMakerSession:
    """Runs pipelines on Amazon SageMaker.

    Args:
        boto_session: a `boto3.Session`; None makes one of the usual places of settings.
        role: the ARN of the role of jobs and pipelines for which none was given.
        default_bucket: for code and outputs; None is `sagemaker-<region>-<account>`.
        default_bucket_prefix: put before keys in that bucket.
        sagemaker_client, s3_client: None makes them of the session.

    Raises:
        MissingExtraError: boto3 is not installed.
        UsageError: there is no region.
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
        self.boto_session = boto_session or need("boto3", extra="aws").Session()
        if self.boto_session.region_name is None:
            raise UsageError(
                "There is no AWS region.", hint="Set AWS_DEFAULT_REGION, or give a boto_session."
            )
        self.boto_region_name: str = self.boto_session.region_name
        self.default_bucket_prefix = default_bucket_prefix
        self.sagemaker_client = sagemaker_client or self.boto_session.client("sagemaker")
        self._s3 = s3_client or self.boto_session.client("s3")
        self._role = role
        self._bucket = default_bucket

    def default_bucket(self) -> str:
        """The bucket for code and outputs without an address; it must exist."""
        if self._bucket is None:
            self._bucket = f"sagemaker-{self.boto_region_name}-{self._account}"
        return self._bucket

    @cached_property
    def _account(self) -> str:
        return str(self.boto_session.client("sts").get_caller_identity()["Account"])

    def default_role(self) -> str:
        """The role of jobs for which none was given.

        Raises:
            UsageError: the session has none.
        """
        if self._role is None:
            raise UsageError("A role is needed.", hint="Give one: SageMakerSession(role=...).")
        return self._role

    def upload(self, content: Path | bytes, uri: str) -> None:
        """Put a file, a folder or bytes at an s3:// address; what is there already is not sent.

        Raises:
            ExecutionError: the service refuses it.
        """
        if isinstance(content, Path) and content.is_dir():
            for file in sorted(path for path in content.rglob("*") if path.is_file()):
                self.upload(file, f"{uri}/{file.relative_to(content).as_posix()}")
            return
        parts = urlparse(uri)
        place = {"Bucket": parts.netloc, "Key": parts.path.lstrip("/")}
        digest = sha256(content) if isinstance(content, Path) else bytes_digest(content)
        if self._has(place, digest):
            return
        more = {"Metadata": {_MARK: digest}}
        if isinstance(content, Path):
            self.call(self._s3.upload_file, Filename=str(content), ExtraArgs=more, **place)
        else:
            self.call(self._s3.put_object, Body=content, **more, **place)

    def _has(self, place: Mapping[str, str], digest: str) -> bool:
        from botocore.exceptions import ClientError

        try:
            return bool(self._s3.head_object(**place)["Metadata"].get(_MARK) == digest)
        except ClientError as error:
            if error.response["Error"]["Code"] in ("404", "NoSuchKey", "NotFound"):
                return False
            raise ExecutionError(f"s3://{place['Bucket']}: {error}") from error

    def put_pipeline(
        self, name: str, definition: str, description: str = "", role: str | None = None
    ) -> str:
        """Make a pipeline, or give it another definition, and give its address.

        Raises:
            DefinitionError: the definition is not right.
            UsageError: there is no role.
            ExecutionError: the service refuses it.
        """
        load_text(definition)
        request = {
            "PipelineName": name,
            "RoleArn": role or self.default_role(),
            **self._placed(name, definition),
            **({"PipelineDescription": description} if description else {}),
        }
        verb = "update_pipeline" if self._exists(name) else "create_pipeline"
        made = self.call(getattr(self.sagemaker_client, verb), **request)
        return str(made["PipelineArn"])

    def _placed(self, name: str, definition: str) -> dict[str, Any]:
        """A definition as requests take it: itself, or its place in S3."""
        content = definition.encode()
        if len(content) < _MOST_BYTES:
            return {"PipelineDefinition": definition}
        prefix = [self.default_bucket_prefix] if self.default_bucket_prefix else []
        key = "/".join([*prefix, name, "definition", f"{bytes_digest(content)}.json"])
        self.upload(content, f"s3://{self.default_bucket()}/{key}")
        place = {"Bucket": self.default_bucket(), "ObjectKey": key}
        return {"PipelineDefinitionS3Location": place}

    def _exists(self, name: str) -> bool:
        try:
            self.describe_pipeline(name)
        except UsageError:
            return False
        return True

    def describe_pipeline(self, name: str) -> dict[str, Any]:
        """What the service tells of a pipeline.

        Raises:
            UsageError: there is no such pipeline.
        """
        found: dict[str, Any] = self.call(
            self.sagemaker_client.describe_pipeline, PipelineName=name
        )
        return found

    def delete_pipeline(self, name: str) -> None:
        """Delete a pipeline.

        Raises:
            UsageError: there is no such pipeline.
        """
        self.call(self.sagemaker_client.delete_pipeline, PipelineName=name)

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
        """Start an execution and come back at once.

        Args:
            name: of the pipeline.
            parameters: by name; the others have their defaults.
            display_name, description: for people.
            max_parallel: how many steps at once at most; 0 leaves it to the service.
            selected: a `SelectiveExecutionConfig`: the steps that run; None for all.

        Raises:
            UsageError: there is no such pipeline, or no execution to take other steps from.
            ExecutionError: the service refuses it.
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
        given = {key: value for key, value in optional.items() if value}
        made = self.call(self.sagemaker_client.start_pipeline_execution, PipelineName=name, **given)
        return SageMakerExecution(self, made["PipelineExecutionArn"])

    def _selection(self, name: str, selected: Any) -> dict[str, Any]:
        """The request of a part of a pipeline; its other steps are the latest execution's."""
        made: dict[str, Any] = selected.to_request()
        if "SourcePipelineExecutionArn" in made or not selected.reference_latest_execution:
            return made
        earlier = self.executions(name)
        if not earlier:
            raise UsageError(f"The pipeline '{name}' has no execution to take steps from.")
        return {**made, "SourcePipelineExecutionArn": earlier[0].arn}

    def executions(self, name: str) -> list[SageMakerExecution]:
        """The executions of a pipeline, the latest first."""
        rows = self.pages(
            self.sagemaker_client.list_pipeline_executions,
            "PipelineExecutionSummaries",
            PipelineName=name,
        )
        return [SageMakerExecution(self, row["PipelineExecutionArn"]) for row in rows]

    def call(self, method: Callable[..., Any], **request: Any) -> Any:
        """Call the service.

        Raises:
            UsageError: there is no such pipeline or execution.
            ExecutionError: the service refuses it, or cannot be reached.
        """
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return method(**request)
        except ClientError as error:
            told = error.response["Error"]
            if told["Code"].startswith("ResourceNotFound") or "Could not find" in told["Message"]:
                raise UsageError(f"AWS: {told['Message']}") from error
            raise ExecutionError(f"AWS: {told['Code']}: {told['Message']}") from error
        except BotoCoreError as error:
            raise ExecutionError(f"AWS: {error}") from error

    def pages(self, method: Callable[..., Any], member: str, **request: Any) -> list[Any]:
        """All items of a call that gives them in pages.

        Raises:
            UsageError, ExecutionError: as `call`.
        """
        items: list[Any] = []
        token: str | None = ""
        while token is not None:
            more = {"NextToken": token} if token else {}
            page = self.call(method, **request, **more)
            items += page[member]
            token = page.get("NextToken")
        return items
