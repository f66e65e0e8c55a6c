"""Conditions of a ConditionStep."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from kinoloom.pipelines.workflow.entities import expr_of


class Condition:
    """Something that holds or does not when the pipeline runs."""

    def to_request(self) -> dict[str, Any]:
        """Its JSON in a definition."""
        raise NotImplementedError


@dataclass(frozen=True)
class ConditionComparison(Condition):
    """Two values compared; use one of the classes below.

    Attributes:
        left, right: plain values or pipeline variables.
    """

    left: Any
    right: Any
    condition_type: ClassVar[str]

    def to_request(self) -> dict[str, Any]:
        """Its JSON in a definition."""
        left, right = expr_of(self.left), expr_of(self.right)
        return {"Type": self.condition_type, "LeftValue": left, "RightValue": right}


class ConditionEquals(ConditionComparison):
    """Both are equal."""

    condition_type = "Equals"


class ConditionGreaterThan(ConditionComparison):
    """The left number is greater."""

    condition_type = "GreaterThan"


class ConditionGreaterThanOrEqualTo(ConditionComparison):
    """The left number is greater or equal."""

    condition_type = "GreaterThanOrEqualTo"


class ConditionLessThan(ConditionComparison):
    """The left number is less."""

    condition_type = "LessThan"


class ConditionLessThanOrEqualTo(ConditionComparison):
    """The left number is less or equal."""

    condition_type = "LessThanOrEqualTo"


@dataclass(frozen=True)
class ConditionIn(Condition):
    """A value equals one of several."""

    value: Any
    in_values: Sequence[Any]

    def to_request(self) -> dict[str, Any]:
        """Its JSON in a definition."""
        values = expr_of(list(self.in_values))
        return {"Type": "In", "QueryValue": expr_of(self.value), "Values": values}


@dataclass(frozen=True)
class ConditionNot(Condition):
    """A condition does not hold."""

    expression: Condition

    def to_request(self) -> dict[str, Any]:
        """Its JSON in a definition."""
        return {"Type": "Not", "Condition": self.expression.to_request()}


@dataclass(frozen=True)
class ConditionOr(Condition):
    """At least one of several conditions holds."""

    conditions: Sequence[Condition] = field(default_factory=list)

    def to_request(self) -> dict[str, Any]:
        """Its JSON in a definition."""
        return {"Type": "Or", "Conditions": [c.to_request() for c in self.conditions]}
