"""Calls of the AWS API, with its errors as errors of kinoloom."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kinoloom.base.need import need
from kinoloom.errors import ExecutionError, UsageError


class Service:
    """The clients of one AWS account and region.

    Args:
        boto_session: A `boto3.Session`; None creates one from the environment.
        sagemaker_client, s3_client: None creates them from the session.

    Attributes:
        boto_session: The session.
        region: Its region.
        sagemaker, s3: The clients.

    Raises:
        MissingExtraError: boto3 is not installed.
        UsageError: No region is configured.
    """

    def __init__(
        self, boto_session: Any = None, sagemaker_client: Any = None, s3_client: Any = None
    ) -> None:
        self.boto_session = boto_session or need("boto3", extra="aws").Session()
        if self.boto_session.region_name is None:
            raise UsageError(
                "No AWS region is configured.",
                hint="Set AWS_DEFAULT_REGION or pass a boto_session with a region.",
            )
        self.region: str = self.boto_session.region_name
        self.sagemaker = sagemaker_client or self.boto_session.client("sagemaker")
        self.s3 = s3_client or self.boto_session.client("s3")

    def call(self, method: Callable[..., Any], **request: Any) -> Any:
        """Call a client's method.

        Raises:
            UsageError: The pipeline or execution does not exist.
            ExecutionError: AWS rejected the request or cannot be reached.
        """
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return method(**request)
        except ClientError as error:
            details = error.response["Error"]
            code, message = details["Code"], details["Message"]
            if code.startswith("ResourceNotFound") or "Could not find" in message:
                raise UsageError(f"AWS: {message}") from error
            raise ExecutionError(f"AWS: {code}: {message}") from error
        except BotoCoreError as error:
            raise ExecutionError(f"AWS: {error}") from error

    def list_all(self, method: Callable[..., Any], member: str, **request: Any) -> list[Any]:
        """Call a paginated method and return the items of all pages.

        Args:
            method: The client's method.
            member: The member of the response that holds the items.
            **request: The request.

        Raises:
            UsageError, ExecutionError: See `call`.
        """
        items: list[Any] = []
        token: str | None = ""
        while token is not None:
            page = self.call(method, **request, **({"NextToken": token} if token else {}))
            items += page[member]
            token = page.get("NextToken")
        return items
