"""How steps end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from kinoloom.base.printable import well_formed
from kinoloom.errors import KinoloomError

STOPPED_REASON = "The execution was stopped."


class Status(Enum):
    """The status of a step."""

    WAITING = "Waiting"
    EXECUTING = "Executing"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    STOPPED = "Stopped"
    SKIPPED = "Skipped"


def describe_error(error: BaseException) -> str:
    """Return the reason of a step that an error ended: the message, or class and message."""
    if isinstance(error, KinoloomError):
        return str(error)
    return well_formed(f"{type(error).__name__}: {error}".removesuffix(": "))


@dataclass(frozen=True)
class Outcome:
    """How a step ended.

    Attributes:
        status: SUCCEEDED, FAILED or STOPPED.
        reason: Why it failed.
        retry_class: The exception type that retry policies match; "" is never retried.
        properties: What later steps can take from it.
        outputs: The digests of its outputs by name.
        key, cause: See `cache_key`.
        source: The execution whose outputs it reused; "" if it ran.
        cache: Why it reused cached outputs or did not, in words.
    """

    status: Status
    reason: str = ""
    retry_class: str = ""
    properties: Any = None
    outputs: Mapping[str, str] = field(default_factory=dict)
    key: str = ""
    cause: Any = None
    source: str = ""
    cache: str = ""

    def row(self) -> dict[str, Any]:
        """Return the columns that `State.end_step` writes."""
        return {
            "status": self.status.value,
            "reason": self.reason,
            "properties": self.properties,
            "outputs": dict(self.outputs),
            "key": self.key,
            "cause": self.cause,
            "source": self.source,
            "cache": self.cache,
        }
