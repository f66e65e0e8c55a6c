"""How many steps of an execution may run at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kinoloom.errors import UsageError


class ParallelismConfiguration:
    """A limit on steps at once.

    Args:
        max_parallel_execution_steps: at least 1.

    Raises:
        UsageError: it is less than 1.
    """

    def __init__(self, max_parallel_execution_steps: int) -> None:
        if max_parallel_execution_steps < 1:
            raise UsageError(
                f"max_parallel_execution_steps must be at least 1, "
                f"not {max_parallel_execution_steps}."
            )
        self.max_parallel_execution_steps = max_parallel_execution_steps

    def to_request(self) -> dict[str, Any]:
        """Its JSON in a request."""
        return {"MaxParallelExecutionSteps": self.max_parallel_execution_steps}


def most_at_once(config: ParallelismConfiguration | Mapping[str, int] | None) -> int:
    """How many steps at once; 0 for no limit. The SDK takes plain JSON too.

    Raises:
        UsageError: it is less than 1, or the JSON has not that one member.
    """
    if config is None:
        return 0
    if isinstance(config, Mapping):
        if list(config) != ["MaxParallelExecutionSteps"]:
            raise UsageError(
                f"A parallelism_config has MaxParallelExecutionSteps alone, not {dict(config)}."
            )
        config = ParallelismConfiguration(config["MaxParallelExecutionSteps"])
    return config.max_parallel_execution_steps
