"""Conditions of a ConditionStep."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from kinoloom.pipelines.builder.variables import iter_steps, to_expression


class Condition:
    """Base class of conditions; evaluated at run time."""

    def to_request(self) -> dict[str, Any]:
        """Return the condition's JSON in a definition."""
        raise NotImplementedError

    def iter_steps(self) -> Iterator[Any]:
        """Yield the steps that must finish before the condition is evaluated."""
        yield from iter_steps(vars(self))


@dataclass(frozen=True)
class ConditionComparison(Condition):
    """Base class of comparisons of two values.

    Attributes:
        left, right: Plain values or pipeline variables.
    """

    left: Any
    right: Any
    condition_type: ClassVar[str]

    def to_request(self) -> dict[str, Any]:
        """Return the condition's JSON in a definition."""
        left, right = to_expression(self.left), to_expression(self.right)
        return {"Type": self.condition_type, "LeftValue": left, "RightValue": right}


class ConditionEquals(ConditionComparison):
    """`left` equals `right`."""

    condition_type = "Equals"


class ConditionGreaterThan(ConditionComparison):
    """The number `left` is greater than `right`."""

    condition_type = "GreaterThan"


class ConditionGreaterThanOrEqualTo(ConditionComparison):
    """The number `left` is greater than or equal to `right`."""

    condition_type = "GreaterThanOrEqualTo"


class ConditionLessThan(ConditionComparison):
    """The number `left` is less than `right`."""

    condition_type = "LessThan"


class ConditionLessThanOrEqualTo(ConditionComparison):
    """The number `left` is less than or equal to `right`."""

    condition_type = "LessThanOrEqualTo"


@dataclass(frozen=True)
class ConditionIn(Condition):
    """`value` equals one of `in_values`."""

    value: Any
    in_values: Sequence[Any]

    def to_request(self) -> dict[str, Any]:
        """Return the condition's JSON in a definition."""
        values = to_expression(list(self.in_values))
        return {"Type": "In", "QueryValue": to_expression(self.value), "Values": values}


@dataclass(frozen=True)
class ConditionNot(Condition):
    """`expression` is false."""

    expression: Condition

    def to_request(self) -> dict[str, Any]:
        """Return the condition's JSON in a definition."""
        return {"Type": "Not", "Condition": self.expression.to_request()}


@dataclass(frozen=True)
class ConditionOr(Condition):
    """At least one of `conditions` is true."""

    conditions: Sequence[Condition] = field(default_factory=list)

    def to_request(self) -> dict[str, Any]:
        """Return the condition's JSON in a definition."""
        return {"Type": "Or", "Conditions": [c.to_request() for c in self.conditions]}
