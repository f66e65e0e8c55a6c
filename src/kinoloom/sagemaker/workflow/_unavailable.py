"""Steps of the SDK that need the service's own images or clusters."""

from __future__ import annotations

from typing import Any

from kinoloom.errors import UsageError


class UnavailableStep:
    """Base class of steps that cannot be created.

    Raises:
        UsageError: Always; the hint names an alternative.
    """

    alternative: str

    def __init__(self, name: str = "", *settings: Any, **named: Any) -> None:
        raise UsageError(
            f"{type(self).__name__} '{name}' is not available: it runs in the service's own image "
            "or cluster.",
            hint=self.alternative,
        )
