"""Options: what a field declares, and how values are parsed, checked and refused."""

import math
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kinoloom.base.options import build, check, option, options_of
from kinoloom.errors import UsageError


@dataclass(frozen=True)
class Every:
    """One field of each kind."""

    on: bool = option(False, "a switch")
    count: int = option(8, "a whole number", low=2, high=64)
    scale: float = option(1.0, "a number", low=0.3, high=1)
    name: str = option("auto", "a word")
    hold: Fraction = option(Fraction(1), "an exact number", low=0.01, high=9.99, unit="s")
    file: Path | None = option(None, "a path")
    ease: Literal["in", "out"] = option("in", "one of some words")
    sound: Literal["keep", "drop"] | None = option(None, "one of some words, or none")
    fps: Fraction | None = option(None, "a rate", unit="fps")
    memory: int | None = option(None, "a size", unit="bytes")
    width_px: int = option(16, "with a unit that is only shown", low=16, unit="px")
    share: float | None = option(0.5, "a number or none", high=1)


DECLARED = {item.name: item for item in options_of(Every)}


@pytest.mark.parametrize(
    ("name", "given", "value"),
    [
        ("on", True, True),
        ("on", "yes", True),
        ("on", "False", False),
        ("on", 0, False),
        ("count", "2", 2),
        ("count", 64, 64),
        ("count", "1e1", 10),
        ("count", 8.0, 8),
        ("scale", "0.3", 0.3),
        ("scale", 0.3, 0.3),
        ("scale", 1, 1.0),
        ("scale", Fraction(1, 2), 0.5),
        ("name", "fast", "fast"),
        ("name", "", ""),
        ("hold", "0.01", Fraction(1, 100)),
        ("hold", 0.01, Fraction(1, 100)),
        ("hold", "9.99", Fraction(999, 100)),
        ("hold", "1/3", Fraction(1, 3)),
        ("file", "a/b.pt", Path("a/b.pt")),
        ("file", Path("b.pt"), Path("b.pt")),
        ("file", None, None),
        ("ease", "out", "out"),
        ("sound", "drop", "drop"),
        ("sound", None, None),
        ("fps", "29.97", Fraction(30000, 1001)),
        ("fps", 60, Fraction(60)),
        ("memory", "2GB", 2_000_000_000),
        ("memory", 4096, 4096),
        ("width_px", "16", 16),
        ("share", None, None),
        ("share", "-3", -3.0),
    ],
)
def test_values_are_parsed_to_their_type(name: str, given: object, value: object) -> None:
    made = DECLARED[name].parse(given)
    assert made == value
    assert type(made) is type(value) or isinstance(value, Path)


@pytest.mark.parametrize(
    ("name", "given", "message"),
    [
        ("on", "maybe", "--on: 'maybe' is not yes or no."),
        ("on", 2, "--on: '2' is not yes or no."),
        ("count", "2.5", "--count: '2.5' is not a whole number."),
        ("count", "many", "--count: 'many' is not a number."),
        ("count", True, "--count: 'True' is not a number."),
        ("count", None, "--count: 'None' is not a number."),
        ("count", 1, "--count must be from 2 to 64, not 1."),
        ("count", "65", "--count must be from 2 to 64, not 65."),
        ("scale", "0.29", "--scale must be from 0.3 to 1, not 0.29."),
        ("scale", math.nan, "--scale: 'nan' is not a number."),
        ("scale", "1e400", "--scale: '1e400' is not a number."),
        ("name", 3, "--name: '3' is not text."),
        ("hold", "0.0099", "--hold must be from 0.01 to 9.99 s, not 0.0099."),
        ("hold", "1/0", "--hold: '1/0' is not a number."),
        ("file", 3, "--file: '3' is not a path."),
        ("ease", "up", "--ease must be one of in, out, not 'up'."),
        ("ease", None, "--ease: 'None' is not text."),
        ("fps", 0, "--fps: A frame rate must be above 0, not 0."),
        ("memory", "-1", "--memory: '-1' is not a size."),
        ("memory", "0", "--memory: A size must be at least 1 byte"),
        ("width_px", 15, "--width-px must be at least 16 px, not 15."),
        ("share", 2, "--share must be at most 1, not 2."),
    ],
)
def test_invalid_value_error_names_the_flag(name: str, given: object, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        build(Every, {name: given}) if given is not None else DECLARED[name].parse(given)
    assert str(caught.value).startswith(message)


@given(st.fractions(Fraction(1, 100), Fraction(999, 100)))
def test_fraction_is_parsed_from_value_and_string(value: Fraction) -> None:
    assert DECLARED["hold"].parse(value) == DECLARED["hold"].parse(str(value)) == value


@given(st.floats(0.3, 1))
def test_float_is_parsed_from_value_and_string(value: float) -> None:
    assert DECLARED["scale"].parse(value) == DECLARED["scale"].parse(repr(value)) == value


@given(st.integers(1, 10**15), st.sampled_from(["", "k", "Mi", "GB", " TiB"]))
def test_size_is_at_least_its_number(number: int, unit: str) -> None:
    assert DECLARED["memory"].parse(f"{number}{unit}") >= number


def test_build_keeps_defaults_for_missing_and_none() -> None:
    assert build(Every, {}) == Every()
    assert build(Every, {"count": None, "share": None}) == Every()
    assert build(Every, {"count": "9", "fps": "25"}) == Every(count=9, fps=Fraction(25))


def test_build_error_lists_the_options() -> None:
    with pytest.raises(UsageError, match=r"Unknown option 'cuont'. Options: on, count, scale"):
        build(Every, {"cuont": 3})


def test_check_parses_strings_and_keeps_none() -> None:
    loose: Any = Every(count="12", file="w.pt", share=None)
    assert check(loose) == Every(count=12, file=Path("w.pt"), share=None)


@pytest.mark.parametrize("values", [{"count": None}, {"count": 99}, {"ease": "up"}, {"name": 1}])
def test_check_rejects_what_build_rejects(values: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="--"):
        check(Every(**values))


@pytest.mark.parametrize(
    ("name", "flag", "text"),
    [
        ("count", "--count", "from 2 to 64"),
        ("hold", "--hold", "from 0.01 to 9.99 s"),
        ("width_px", "--width-px", "at least 16 px"),
        ("share", "--share", "at most 1"),
        ("name", "--name", ""),
        ("memory", "--memory", ""),
    ],
)
def test_flags_and_ranges_as_text(name: str, flag: str, text: str) -> None:
    assert (DECLARED[name].flag, DECLARED[name].range_text) == (flag, text)


def test_options_of_reads_the_whole_declaration() -> None:
    sound = DECLARED["sound"]
    assert (sound.kind, sound.choices, sound.optional) == (str, ("keep", "drop"), True)
    assert (sound.default, sound.help) == (None, "one of some words, or none")
    assert not DECLARED["ease"].optional


@dataclass(frozen=True)
class Bare:
    """A field that is a plain one."""

    count: int = 3


@dataclass(frozen=True)
class Listed:
    """A field of a type that no flag can have."""

    names: list[str] = field(default_factory=list)
    more: list[str] | None = option(None, "names")


@dataclass(frozen=True)
class Many:
    """A field of a type that no flag can have."""

    names: list[str] | None = option(None, "names")


@dataclass(frozen=True)
class Either:
    """A field of two types."""

    size: int | str = option(3, "a size or its name")


@dataclass(frozen=True)
class Numbers:
    """A choice among numbers."""

    bits: Literal[8, 10] = option(8, "bits")


@pytest.mark.parametrize(
    ("cls", "message"),
    [
        (Bare, r"'count' must be declared with option\(\)"),
        (Listed, r"'names' must be declared with option\(\)"),
        (Many, r"'names' has the unsupported type list\[str\] \| None\. Use bool, int"),
        (Either, r"'size' has the unsupported type int \| str"),
        (Numbers, r"'bits' has the unsupported type typing.Literal\[8, 10\]"),
        (int, "Options must be a dataclass, not <class 'int'>"),
    ],
)
def test_unsupported_option_types_are_rejected_on_declaration(cls: type, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        options_of(cls)
