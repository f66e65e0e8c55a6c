"""What every op must keep: the registered ones do, and bad ones are found out."""

from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import pytest

from kinoloom import Clip, Report
from kinoloom.base import Op, op, option, registry
from kinoloom.base.conformance import check_op
from kinoloom.base.files import Nothing
from kinoloom.errors import RegistryError, UsageError


@pytest.mark.parametrize("name", registry.names("ops"))
def test_every_registered_op_satisfies_the_rules_of_ops(name: str) -> None:
    registered = registry.load("ops", name)
    check_op(registered)
    assert registered.name == name


@dataclass(frozen=True)
class GoodOptions:
    """One option of each kind that a command can have."""

    on: bool = option(False, "a switch")
    scale: float = option(0.1, "a number", low=0, high=1)
    rate: Fraction | None = option(Fraction(30000, 1001), "a rate", unit="fps")
    memory: int = option(2 * 10**9, "a size", unit="bytes")
    file: Path | None = option(None, "a path")
    ease: Literal["in", "out"] = option("in", "one of some words")


@op("good", page="kinoloom.base.report.files:to_html", extra="train")
def good(clip: Clip, options: GoodOptions) -> Clip:
    """Do good."""
    return clip


def test_valid_op_passes() -> None:
    check_op(good)
    check_op(
        replace(
            good, input_type=Path, output_type=Report, options=GoodOptions, name="very.good-op2"
        )
    )
    check_op(replace(good, input_type=Nothing, name="very.good.op"))


@dataclass
class Loose:
    """Not frozen."""

    size: int = option(3, "a size")


def options(kind: Any, default: Any, text: str = "help", name: str = "size", **facts: Any) -> type:
    """A frozen dataclass of one option."""
    body = {"__annotations__": {name: kind}, name: option(default, text, **facts)}
    return dataclass(frozen=True)(type("Options", (), body))


def is_free(clip: Clip) -> Clip:
    return clip


BAD: list[tuple[dict[str, Any], str]] = [
    ({"name": "Good"}, "its name must be lower-case words"),
    ({"name": "good_op"}, "its name must be"),
    ({"name": "a..b"}, "its name must be"),
    ({"name": "a-"}, "its name must be"),
    ({"name": ""}, "its name must be"),
    ({"name": "--good"}, "its name must be"),
    ({"summary": "Do good"}, "must be one sentence .* full stop"),
    ({"summary": "Do good" * 20 + "."}, "at most 84 characters"),
    ({"summary": ""}, "one sentence"),
    ({"extra": "nonsense"}, "'nonsense' is not an extra of kinoloom"),
    ({"input_type": dict}, "dict is not a type with files"),
    ({"output_type": Path}, "Path is not a type with files"),
    ({"input_type": Path, "output_type": Path}, "Path is not a type with files"),
    ({"options": Loose}, "Loose must be a frozen dataclass"),
    ({"options": int}, "int must be a frozen dataclass"),
    ({"options": options(int, 3, " ")}, "--size has no help"),
    ({"options": options(int, None)}, "--size has no default; allow None"),
    ({"options": options(bool, True)}, "--size must be False by default"),
    ({"options": options(bool | None, None)}, "--size must be False by default"),
    ({"options": options(str, "a", low=1)}, "--size has a range but is not a number"),
    ({"options": options(int, 9, high=5)}, "--size must be at most 5, not 9"),
    ({"options": options(Literal["a", "b"], "c")}, "--size must be one of a, b, not 'c'"),
    ({"options": options(int, 3.7)}, "--size: '3.7' is not a whole number"),
    ({"options": options(int, "3")}, "default of --size changes when it is written as a string"),
    ({"options": options(list, None)}, "'size' has the unsupported type <class 'list'>"),
    (
        {"options": options(Fraction, Fraction("29.97"), unit="fps")},
        "changes when it is written as a string",
    ),
    ({"options": options(int, 3, name="output")}, "--output is a flag of every such command"),
    ({"options": options(int, 3, name="overwrite")}, "--overwrite is a flag of every such"),
    ({"options": options(int, 3, name="order")}, "--order is a flag of every such command"),
]


@pytest.mark.parametrize(("changes", "message"), BAD)
def test_a_violation_is_reported(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        check_op(replace(good, **changes))


@pytest.mark.parametrize("page", ["no_such_module:page", "kinoloom.base.report:page", "nonsense"])
def test_a_page_that_cannot_be_imported_is_reported(page: str) -> None:
    with pytest.raises(RegistryError, match=f"'good' is declared as {page}"):
        check_op(replace(good, page=page))


def test_a_plain_function_is_not_an_op() -> None:
    with pytest.raises(UsageError, match=r"is_free.* is not an Op. Declare a function with @op"):
        check_op(is_free)  # type: ignore[arg-type]
    assert isinstance(good, Op)
