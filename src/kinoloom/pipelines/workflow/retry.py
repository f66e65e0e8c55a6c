"""Retry policies: when and how often a failed step is tried again."""

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
    """Use one of the classes below.

    Args:
        exceptions: the classes of failure that it is for, at least one.
        backoff_rate: each wait is this many times the one before, at least 0.
        interval_seconds: the first wait, at least 0 s.
        max_attempts: how many more attempts, 1 to 20.
        expire_after_mins: no attempt begins later than this, 1 to 14400 minutes; give either
            this or max_attempts.

    Raises:
        UsageError: a value is out of range, or both or none of the two limits are given.
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
            raise UsageError("A retry policy needs at least one class of failure.")
        if (max_attempts is None) == (expire_after_mins is None):
            raise UsageError("A retry policy takes either max_attempts or expire_after_mins.")
        _within("backoff_rate", backoff_rate, 0, float("inf"))
        _within("interval_seconds", interval_seconds, 0, float("inf"))
        _within("max_attempts", max_attempts, 1, 20)
        _within("expire_after_mins", expire_after_mins, 1, 14400)
        self.exceptions = list(exceptions)
        self.backoff_rate = backoff_rate
        self.interval_seconds = interval_seconds
        self.max_attempts = max_attempts
        self.expire_after_mins = expire_after_mins

    def to_request(self) -> dict[str, Any]:
        """Its JSON in a definition."""
        made: dict[str, Any] = {
            "BackoffRate": self.backoff_rate,
            "IntervalSeconds": self.interval_seconds,
        }
        if self.max_attempts is not None:
            made["MaxAttempts"] = self.max_attempts
        if self.expire_after_mins is not None:
            made["ExpireAfterMin"] = self.expire_after_mins
        return {**made, "ExceptionType": [exception.value for exception in self.exceptions]}


class StepRetryPolicy(RetryPolicy):
    """For failures of the service; see `RetryPolicy` for the arguments."""

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
    """For failures of the job; see `RetryPolicy` for the arguments.

    Both lists of classes mean the same here; the SDK has two.
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


def _within(name: str, value: float | None, low: float, high: float) -> None:
    if value is not None and not low <= value <= high:
        limit = f"from {low} to {high}" if high < float("inf") else f"at least {low}"
        raise UsageError(f"{name} must be {limit}, not {value}.")
