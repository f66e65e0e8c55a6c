"""Buckets of Amazon S3."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kinoloom.errors import ExecutionError
from kinoloom.pipelines.aws.service import Service

_MISSING = ("404", "NoSuchBucket", "NotFound")
_CREATED_MEANWHILE = ("BucketAlreadyOwnedByYou", "OperationAborted")
_DEFAULT_REGION = "us-east-1"  # the only region that must not be named


def create_bucket(service: Service, name: str, owner: Mapping[str, str]) -> None:
    """Create a bucket in the service's region unless it exists.

    Args:
        service: The account and region.
        name: The bucket's name.
        owner: `ExpectedBucketOwner`, if the bucket must belong to an account.

    Raises:
        ExecutionError: The bucket cannot be used or created.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        service.s3.head_bucket(Bucket=name, **owner)
        return
    except ClientError as error:
        if error.response["Error"]["Code"] not in _MISSING:
            raise ExecutionError(
                f"Bucket {name} cannot be used: {error}.",
                hint="It may belong to another account: pass default_bucket=...",
            ) from error
    except BotoCoreError as error:
        raise ExecutionError(f"AWS: {error}") from error
    place: dict[str, Any] = {}
    if service.region != _DEFAULT_REGION:
        place = {"CreateBucketConfiguration": {"LocationConstraint": service.region}}
    try:
        service.s3.create_bucket(Bucket=name, **place)
    except ClientError as error:
        if error.response["Error"]["Code"] not in _CREATED_MEANWHILE:
            raise ExecutionError(f"Bucket {name} cannot be created: {error}.") from error
    except BotoCoreError as error:
        raise ExecutionError(f"AWS: {error}") from error
