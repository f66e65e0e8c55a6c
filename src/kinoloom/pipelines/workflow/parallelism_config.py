"""How many steps of an execution may run at once."""

from __future__ import annotations

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
