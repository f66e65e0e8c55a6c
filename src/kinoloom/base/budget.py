"""The memory budget of a job: how much its parts need at least, and how much is left for one.

A budget counts what a job allocates: decoded and new frames, decoders, encoders, networks and
working memory. Python and its libraries, about 250 MB, come on top; they are there before the work
begins. Parts declare the least that they need, estimated from sizes that files declare, before they
allocate it; a job that does not fit a limit of the user ends before anything is decoded.
"""

from __future__ import annotations

from collections.abc import Callable
from math import ceil
from typing import Literal

from kinoloom.base.machine import default_budget_bytes
from kinoloom.base.units import format_bytes
from kinoloom.errors import BudgetError

Part = Literal["reading", "enhancing", "computing", "writing"]
EstimateWriting = Callable[[int, int, int, int | None], int]
"""Returns the bytes that writing needs, by width, height, bits and number of frames (or None)."""

_MB = 1_000_000


class Budget:
    """The memory that a job may use.

    Args:
        limit_bytes: the limit of the user; None shares half of the free memory among the parts
            that can adapt, and limits nothing else.
        estimate_writing: of the writer of the job's output; None if there is none yet.

    Attributes:
        limit_bytes: the limit.
        is_enforced: whether the user set it.
        estimate_writing: see above.
    """

    def __init__(
        self, limit_bytes: int | None = None, estimate_writing: EstimateWriting | None = None
    ) -> None:
        self.is_enforced = limit_bytes is not None
        self.limit_bytes = limit_bytes or default_budget_bytes()
        self.estimate_writing = estimate_writing
        self._needs: dict[Part, tuple[str, int]] = {}

    @property
    def least_bytes(self) -> int:
        """The least that the parts declared so far need together, in whole megabytes."""
        return ceil(sum(need for _, need in self._needs.values()) / _MB) * _MB

    def require(self, part: Part, purpose: str, least_bytes: int) -> None:
        """Declare the least that a part needs; a later declaration replaces an earlier one.

        Args:
            part: the part.
            purpose: what it needs the memory for, such as "to write h264".
            least_bytes: an estimate; above the real peak rather than below it.
        """
        self._needs[part] = (purpose, max(0, ceil(least_bytes)))

    def share(self, part: Part) -> int:
        """Return the bytes that a part may use, so that the others have their least.

        Without a limit of the user, they may use as much on top.
        """
        if not self.is_enforced:
            return self.limit_bytes
        others = sum(need for other, (_, need) in self._needs.items() if other != part)
        return max(self.limit_bytes - others, 1)

    def need(self, part: Part) -> int:
        """Return the bytes that a part declared, 0 for none."""
        return self._needs[part][1] if part in self._needs else 0

    @property
    def is_exceeded(self) -> bool:
        """Whether the parts need more than a limit of the user."""
        return self.is_enforced and self.least_bytes > self.limit_bytes

    def check(self) -> None:
        """Check that the parts declared so far fit.

        Raises:
            BudgetError: they need more than the limit; the message says how much is sufficient.
        """
        if self.is_exceeded:
            raise BudgetError(
                f"The memory limit of {format_bytes(self.limit_bytes)} is too low: "
                f"{self.describe()}.",
                hint=f"Pass --memory {self.describe_limit()}, or reduce the pictures.",
            )

    def describe_limit(self) -> str:
        """Return the least sufficient limit as the value of `--memory`."""
        return f"{self.least_bytes // _MB}MB"

    def describe(self) -> str:
        """Return what the parts declared so far need, as a clause."""
        parts = [f"{format_bytes(need)} {purpose}" for purpose, need in self._needs.values()]
        return f"the job needs at least {self.least_bytes // _MB} MB ({', '.join(parts)})"
