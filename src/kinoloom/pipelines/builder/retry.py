"""Retry policies: when and how often a failed step is retried."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Any

from kinoloom.errors import UsageError


class StepExceptionTypeEnum(Enum):
    """Failures of the service that runs the step."""

    SERVICE_FAULT = "Step.SERVICE_FAULT"
    THROTTLING = "Step.THROTTLING"


class SageMakerJobExceptionTypeEnum(Enum):
    """Failures of the job."""

    INTERNAL_ERROR = "SageMaker.JOB_INTERNAL_ERROR"
    CAPACITY_ERROR = "SageMaker.CAPACITY_ERROR"
    RESOURCE_LIMIT = "SageMaker.RESOURCE_LIMIT"


class RetryPolicy:
    """Base class of retry policies.

    Args:
        exceptions: The failures that are retried, at least one.
        backoff_rate: The factor from one delay to the next, at least 0.
        interval_seconds: The first delay in seconds, at least 0.
        max_attempts: The maximum number of retries, 1 to 20.
        expire_after_mins: Instead of `max_attempts`: retry for this many minutes, 1 to 14400.

    Raises:
        UsageError: A value is out of range, or both or neither of the two limits are given.
    """

    def __init__(
        self,
        exceptions: Sequence[Enum],
        backoff_rate: float,
        interval_seconds: int,
        max_attempts: int | None,
        expire_after_mins: int | None,
    ) -> None:
        if not exceptions:
            raise UsageError("A retry policy needs at least one exception type.")
        if (max_attempts is None) == (expire_after_mins is None):
            raise UsageError("A retry policy needs either max_attempts or expire_after_mins.")
        _check_range("backoff_rate", backoff_rate, 0, float("inf"))
        _check_range("interval_seconds", interval_seconds, 0, float("inf"))
        _check_range("max_attempts", max_attempts, 1, 20)
        _check_range("expire_after_mins", expire_after_mins, 1, 14400)
        self.exceptions = list(exceptions)
        self.backoff_rate = backoff_rate
        self.interval_seconds = interval_seconds
        self.max_attempts = max_attempts
        self.expire_after_mins = expire_after_mins

    def to_request(self) -> dict[str, Any]:
        """Return the policy's JSON in a definition."""
        request: dict[str, Any] = {
            "BackoffRate": self.backoff_rate,
            "IntervalSeconds": self.interval_seconds,
        }
        if self.max_attempts is not None:
            request["MaxAttempts"] = self.max_attempts
        if self.expire_after_mins is not None:
            request["ExpireAfterMin"] = self.expire_after_mins
        return {**request, "ExceptionType": [exception.value for exception in self.exceptions]}


class StepRetryPolicy(RetryPolicy):
    """Retries failures of the service; see `RetryPolicy` for the arguments."""

    def __init__(
        self,
        exception_types: Sequence[StepExceptionTypeEnum],
        backoff_rate: float = 2.0,
        interval_seconds: int = 1,
        max_attempts: int | None = None,
        expire_after_mins: int | None = None,
    ) -> None:
        super().__init__(
            exception_types, backoff_rate, interval_seconds, max_attempts, expire_after_mins
        )


class SageMakerJobStepRetryPolicy(RetryPolicy):
    """Retries failures of the job; see `RetryPolicy` for the arguments.

    `exception_types` and `failure_reason_types` have the same meaning; the SDK has both.
    """

    def __init__(
        self,
        exception_types: Sequence[SageMakerJobExceptionTypeEnum] | None = None,
        failure_reason_types: Sequence[SageMakerJobExceptionTypeEnum] | None = None,
        backoff_rate: float = 2.0,
        interval_seconds: int = 1,
        max_attempts: int | None = None,
        expire_after_mins: int | None = None,
    ) -> None:
        both = [*(exception_types or ()), *(failure_reason_types or ())]
        super().__init__(both, backoff_rate, interval_seconds, max_attempts, expire_after_mins)


def _check_range(name: str, value: float | None, low: float, high: float) -> None:
    if value is not None and not low <= value <= high:
        allowed = f"from {low} to {high}" if high < float("inf") else f"at least {low}"
        raise UsageError(f"{name} must be {allowed}, not {value}.")
