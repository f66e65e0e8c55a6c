"""Conditions: what a Condition step compares. A step's conditions must all hold (AND).

Numbers compare with numbers, text with text, true and false with themselves; `Equals` of two
different kinds is false, an order between two different kinds is an error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from operator import ge, gt, le, lt
from typing import Any, TypeAlias

from kinoloom.errors import ExecutionError
from kinoloom.pipelines.language.problems import below
from kinoloom.pipelines.language.shapes import is_number, told
from kinoloom.pipelines.language.values import (
    Get,
    JsonGet,
    Value,
    parse_value,
    references,
    to_json,
)

Evaluate: TypeAlias = Callable[[Value], Any]
"""Gives the plain value of a value."""

_ORDERS: dict[str, Callable[[float, float], bool]] = {
    "GreaterThan": gt,
    "GreaterThanOrEqualTo": ge,
    "LessThan": lt,
    "LessThanOrEqualTo": le,
}
COMPARISONS = ("Equals", *_ORDERS)


@dataclass(frozen=True)
class Comparison:
    """Two values compared.

    Attributes:
        type: "Equals", "GreaterThan", "GreaterThanOrEqualTo", "LessThan" or "LessThanOrEqualTo".
        left, right: what is compared.
    """

    type: str
    left: Value
    right: Value

    def holds(self, evaluate: Evaluate) -> bool:
        """Whether it is true now.

        Raises:
            ExecutionError: an order is asked of what are not two numbers.
        """
        left, right = evaluate(self.left), evaluate(self.right)
        if self.type == "Equals":
            return same(left, right)
        if not (is_number(left) and is_number(right)):
            raise ExecutionError(
                f"{self.type} compares numbers, not {told(left)} with {told(right)}."
            )
        return _ORDERS[self.type](left, right)

    def to_json(self) -> dict[str, Any]:
        """As it stands in a definition."""
        left, right = to_json(self.left), to_json(self.right)
        return {"Type": self.type, "LeftValue": left, "RightValue": right}

    def references(self, path: str) -> Iterator[tuple[str, Get | JsonGet]]:
        """What it refers to, with JSON paths."""
        yield from references(self.left, below(path, "LeftValue"))
        yield from references(self.right, below(path, "RightValue"))


@dataclass(frozen=True)
class In:
    """Whether a value equals one of several."""

    query: Value
    values: tuple[Value, ...]

    def holds(self, evaluate: Evaluate) -> bool:
        """Whether it is true now."""
        query = evaluate(self.query)
        return any(same(query, evaluate(value)) for value in self.values)

    def to_json(self) -> dict[str, Any]:
        """As it stands in a definition."""
        values = [to_json(value) for value in self.values]
        return {"Type": "In", "QueryValue": to_json(self.query), "Values": values}

    def references(self, path: str) -> Iterator[tuple[str, Get | JsonGet]]:
        """What it refers to, with JSON paths."""
        yield from references(self.query, below(path, "QueryValue"))
        yield from references(self.values, below(path, "Values"))


@dataclass(frozen=True)
class Not:
    """The opposite of a condition."""

    condition: Condition

    def holds(self, evaluate: Evaluate) -> bool:
        """Whether it is true now."""
        return not self.condition.holds(evaluate)

    def to_json(self) -> dict[str, Any]:
        """As it stands in a definition."""
        return {"Type": "Not", "Condition": self.condition.to_json()}

    def references(self, path: str) -> Iterator[tuple[str, Get | JsonGet]]:
        """What it refers to, with JSON paths."""
        yield from self.condition.references(below(path, "Condition"))


@dataclass(frozen=True)
class Or:
    """Whether at least one of several conditions holds."""

    conditions: tuple[Condition, ...]

    def holds(self, evaluate: Evaluate) -> bool:
        """Whether it is true now."""
        return any(condition.holds(evaluate) for condition in self.conditions)

    def to_json(self) -> dict[str, Any]:
        """As it stands in a definition."""
        return {"Type": "Or", "Conditions": [c.to_json() for c in self.conditions]}

    def references(self, path: str) -> Iterator[tuple[str, Get | JsonGet]]:
        """What it refers to, with JSON paths."""
        for index, condition in enumerate(self.conditions):
            yield from condition.references(below(below(path, "Conditions"), index))


Condition: TypeAlias = Comparison | In | Not | Or


def parse_condition(raw: Mapping[str, Any]) -> Condition:
    """The condition that a piece of JSON stands for; its shape has been checked before."""
    kind = raw["Type"]
    if kind == "In":
        values = tuple(parse_value(item) for item in raw["Values"])
        return In(parse_value(raw["QueryValue"]), values)
    if kind == "Not":
        return Not(parse_condition(raw["Condition"]))
    if kind == "Or":
        return Or(tuple(parse_condition(item) for item in raw["Conditions"]))
    return Comparison(kind, parse_value(raw["LeftValue"]), parse_value(raw["RightValue"]))


def same(left: object, right: object) -> bool:
    """Equality as the language means it: true is not 1, and 1 is 1.0."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    return left == right
