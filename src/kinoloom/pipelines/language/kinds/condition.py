"""Condition steps: one of two branches runs."""

from __future__ import annotations

from kinoloom.pipelines.language.shapes import (
    ANYTHING,
    ListOf,
    Record,
    Scalar,
    Shape,
    Tagged,
    is_number,
)
from kinoloom.pipelines.language.step_kind import SCALAR, STEP, StepKind

_NUMBER = Scalar("a number or a function", is_number)


def _comparison(value: Shape) -> Record:
    return Record({"Type": ANYTHING, "LeftValue": value, "RightValue": value}, closed=True)


_CONDITION = Tagged("Type")
_CONDITION.shapes.update(
    {
        "Equals": _comparison(SCALAR),
        "GreaterThan": _comparison(_NUMBER),
        "GreaterThanOrEqualTo": _comparison(_NUMBER),
        "LessThan": _comparison(_NUMBER),
        "LessThanOrEqualTo": _comparison(_NUMBER),
        "In": Record(
            {"Type": ANYTHING, "QueryValue": SCALAR, "Values": ListOf(SCALAR, literal=True)},
            closed=True,
        ),
        "Not": Record({"Type": ANYTHING, "Condition": _CONDITION}, closed=True),
        "Or": Record(
            {"Type": ANYTHING, "Conditions": ListOf(_CONDITION, min_length=1, literal=True)},
            closed=True,
        ),
    }
)
_ARGUMENTS = Record(
    {
        "Conditions": ListOf(_CONDITION, literal=True),
        "IfSteps": ListOf(STEP, literal=True),
        "ElseSteps": ListOf(STEP, literal=True),
    },
    closed=True,
)

KINDS = (StepKind("Condition", _ARGUMENTS, properties=("Outcome",)),)
