"""Conditions of a Condition step, which must all be true (AND).

`Equals` of values of different types is false; an ordering of anything but two numbers is an error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from operator import ge, gt, le, lt
from typing import Any, TypeAlias

from kinoloom.errors import ExecutionError
from kinoloom.pipelines.language.problems import child_path
from kinoloom.pipelines.language.shapes import format_value, is_number
from kinoloom.pipelines.language.values import (
    Get,
    JsonGet,
    Value,
    iter_references,
    parse_value,
    to_json,
)

Evaluate: TypeAlias = Callable[[Value], Any]
"""Returns the plain value of a value."""

_ORDERS: dict[str, Callable[[float, float], bool]] = {
    "GreaterThan": gt,
    "GreaterThanOrEqualTo": ge,
    "LessThan": lt,
    "LessThanOrEqualTo": le,
}
COMPARISONS = ("Equals", *_ORDERS)


@dataclass(frozen=True)
class Comparison:
    """A comparison of two values.

    Attributes:
        type: "Equals", "GreaterThan", "GreaterThanOrEqualTo", "LessThan" or "LessThanOrEqualTo".
        left, right: The values.
    """

    type: str
    left: Value
    right: Value

    def is_true(self, evaluate: Evaluate) -> bool:
        """Return whether the condition is true.

        Raises:
            ExecutionError: An ordering compares something other than two numbers.
        """
        left, right = evaluate(self.left), evaluate(self.right)
        if self.type == "Equals":
            return equal_values(left, right)
        if not (is_number(left) and is_number(right)):
            raise ExecutionError(
                f"{self.type} compares numbers, not {format_value(left)} and {format_value(right)}."
            )
        return _ORDERS[self.type](left, right)

    def to_json(self) -> dict[str, Any]:
        """Return its JSON in a definition."""
        left, right = to_json(self.left), to_json(self.right)
        return {"Type": self.type, "LeftValue": left, "RightValue": right}

    def iter_references(self, path: str) -> Iterator[tuple[str, Get | JsonGet]]:
        """Yield its references with their JSON paths."""
        yield from iter_references(self.left, child_path(path, "LeftValue"))
        yield from iter_references(self.right, child_path(path, "RightValue"))


@dataclass(frozen=True)
class In:
    """Whether a value equals one of several values."""

    query: Value
    values: tuple[Value, ...]

    def is_true(self, evaluate: Evaluate) -> bool:
        """Return whether the condition is true."""
        query = evaluate(self.query)
        return any(equal_values(query, evaluate(value)) for value in self.values)

    def to_json(self) -> dict[str, Any]:
        """Return its JSON in a definition."""
        values = [to_json(value) for value in self.values]
        return {"Type": "In", "QueryValue": to_json(self.query), "Values": values}

    def iter_references(self, path: str) -> Iterator[tuple[str, Get | JsonGet]]:
        """Yield its references with their JSON paths."""
        yield from iter_references(self.query, child_path(path, "QueryValue"))
        yield from iter_references(self.values, child_path(path, "Values"))


@dataclass(frozen=True)
class Not:
    """The opposite of a condition."""

    condition: Condition

    def is_true(self, evaluate: Evaluate) -> bool:
        """Return whether the condition is true."""
        return not self.condition.is_true(evaluate)

    def to_json(self) -> dict[str, Any]:
        """Return its JSON in a definition."""
        return {"Type": "Not", "Condition": self.condition.to_json()}

    def iter_references(self, path: str) -> Iterator[tuple[str, Get | JsonGet]]:
        """Yield its references with their JSON paths."""
        yield from self.condition.iter_references(child_path(path, "Condition"))


@dataclass(frozen=True)
class Or:
    """Whether at least one of several conditions is true."""

    conditions: tuple[Condition, ...]

    def is_true(self, evaluate: Evaluate) -> bool:
        """Return whether the condition is true."""
        return any(condition.is_true(evaluate) for condition in self.conditions)

    def to_json(self) -> dict[str, Any]:
        """Return its JSON in a definition."""
        return {"Type": "Or", "Conditions": [c.to_json() for c in self.conditions]}

    def iter_references(self, path: str) -> Iterator[tuple[str, Get | JsonGet]]:
        """Yield its references with their JSON paths."""
        for index, condition in enumerate(self.conditions):
            yield from condition.iter_references(child_path(child_path(path, "Conditions"), index))


Condition: TypeAlias = Comparison | In | Not | Or


def parse_condition(raw: Mapping[str, Any]) -> Condition:
    """Return the condition of JSON whose shape has been checked."""
    kind = raw["Type"]
    if kind == "In":
        values = tuple(parse_value(item) for item in raw["Values"])
        return In(parse_value(raw["QueryValue"]), values)
    if kind == "Not":
        return Not(parse_condition(raw["Condition"]))
    if kind == "Or":
        return Or(tuple(parse_condition(item) for item in raw["Conditions"]))
    return Comparison(kind, parse_value(raw["LeftValue"]), parse_value(raw["RightValue"]))


def equal_values(left: object, right: object) -> bool:
    """Return whether two values are equal in the language: true is not 1, and 1 is 1.0."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    return left == right
