"""Functions that Lambda steps call."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Lambda:
    """A function that exists already.

    Attributes:
        function_arn: its address; a `LocalSession` calls what was registered under it.
    """

    function_arn: str
