"""Shapes: small checkers that together describe the JSON of a definition.

A shape checks one JSON value and adds a problem, with its path, for each mismatch. A function
({"Get": ...} and so on) can replace a value that is known only at run time, so every shape accepts
valid functions unless it is `literal`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from kinoloom.errors import DefinitionError
from kinoloom.pipelines.language.problems import Problems, child_path, suggest
from kinoloom.pipelines.language.values import Get, function_of, parse_json_path

_MAX_LENGTH = 60


class Shape(Protocol):
    """Checks one JSON value."""

    def check(self, raw: Any, path: str, problems: Problems) -> None:
        """Add a problem for each mismatch at or below `path`."""


def format_value(raw: Any) -> str:
    """Return a value for a message: as JSON spells it, shortened."""
    words = {True: "true", False: "false", None: "null"}
    text = words[raw] if raw is None or isinstance(raw, bool) else repr(raw)
    return text if len(text) <= _MAX_LENGTH else text[: _MAX_LENGTH - 3] + "..."


def _is_function(raw: Any, path: str, problems: Problems) -> bool:
    """Return whether a value is a function, and check it if so."""
    if not function_of(raw):
        return False
    FUNCTION.check(raw, path, problems)
    return True


@dataclass(frozen=True)
class Scalar:
    """A plain value.

    Attributes:
        description: What is expected, for messages.
        accepts: Whether a value is valid.
        literal: Whether functions are rejected.
    """

    description: str
    accepts: Callable[[Any], bool]
    literal: bool = False

    def check(self, raw: Any, path: str, problems: Problems) -> None:
        """See `Shape.check`."""
        if not self.literal and _is_function(raw, path, problems):
            return
        if not self.accepts(raw):
            problems.add(path, f"must be {self.description}, not {format_value(raw)}")


def is_integer(raw: Any) -> bool:
    """Return whether a value is an integer; JSON's true and false are not."""
    return isinstance(raw, int) and not isinstance(raw, bool)


def is_number(raw: Any) -> bool:
    """Return whether a value is a number; JSON's true and false are not."""
    return isinstance(raw, int | float) and not isinstance(raw, bool)


def fits_type(value: object, parameter_type: str) -> bool:
    """Return whether a plain value has a parameter's type; an integer is a Float too."""
    if parameter_type == "String":
        return isinstance(value, str)
    if parameter_type == "Boolean":
        return isinstance(value, bool)
    return is_integer(value) if parameter_type == "Integer" else is_number(value)


def text(pattern: str = "", *, max_length: int = 0, literal: bool = False) -> Scalar:
    """Return the shape of text that matches a pattern; a max_length of 0 means no limit."""
    description = "text" + (f" of the form {pattern}" if pattern else "")
    description += f" of at most {max_length} characters" if max_length else ""
    compiled = re.compile(pattern)

    def accepts(raw: Any) -> bool:
        if not isinstance(raw, str) or (max_length and len(raw) > max_length):
            return False
        return not pattern or compiled.fullmatch(raw) is not None

    return Scalar(description, accepts, literal)


def choice(*words: str, literal: bool = False) -> Scalar:
    """Return the shape of one of several words."""
    description = f"one of {', '.join(words)}" if len(words) > 1 else f'"{words[0]}"'
    return Scalar(description, lambda raw: isinstance(raw, str) and raw in words, literal)


def integer(low: int, high: int | None = None, *, literal: bool = False) -> Scalar:
    """Return the shape of an integer in a range, both ends included."""
    span = f"of at least {low}" if high is None else f"from {low} to {high}"
    return Scalar(
        f"an integer {span}",
        lambda raw: is_integer(raw) and raw >= low and (high is None or raw <= high),
        literal,
    )


def number(low: float, *, literal: bool = False) -> Scalar:
    """Return the shape of a number of at least `low`."""
    return Scalar(f"a number of at least {low:g}", lambda r: is_number(r) and r >= low, literal)


def boolean(*, literal: bool = False) -> Scalar:
    """Return the shape of true or false."""
    return Scalar("true or false", lambda raw: isinstance(raw, bool), literal)


@dataclass(frozen=True)
class Anything:
    """Any JSON; functions in it must be valid."""

    def check(self, raw: Any, path: str, problems: Problems) -> None:
        """See `Shape.check`."""
        if _is_function(raw, path, problems):
            return
        if isinstance(raw, dict):
            for key, item in raw.items():
                self.check(item, child_path(path, key), problems)
        elif isinstance(raw, list):
            for index, item in enumerate(raw):
                self.check(item, child_path(path, index), problems)


ANYTHING = Anything()


@dataclass(frozen=True)
class ListOf:
    """A list whose items have one shape."""

    item: Shape = ANYTHING
    min_length: int = 0
    literal: bool = False

    def check(self, raw: Any, path: str, problems: Problems) -> None:
        """See `Shape.check`."""
        if not self.literal and _is_function(raw, path, problems):
            return
        if not isinstance(raw, list):
            problems.add(path, f"must be a list, not {format_value(raw)}")
            return
        if len(raw) < self.min_length:
            problems.add(path, f"must have at least {self.min_length} item(s), not {len(raw)}")
        for index, item in enumerate(raw):
            self.item.check(item, child_path(path, index), problems)


@dataclass(frozen=True)
class MapOf:
    """An object with arbitrary keys whose values have one shape."""

    item: Shape = ANYTHING

    def check(self, raw: Any, path: str, problems: Problems) -> None:
        """See `Shape.check`."""
        if not isinstance(raw, dict):
            problems.add(path, f"must be an object, not {format_value(raw)}")
            return
        for key, item in raw.items():
            self.item.check(item, child_path(path, key), problems)


@dataclass(frozen=True)
class Record:
    """An object with known keys.

    Attributes:
        required: The required keys.
        optional: The optional keys.
        closed: Whether other keys are problems; requests of the service's API are open, because
            the API grows.
    """

    required: Mapping[str, Shape] = field(default_factory=dict)
    optional: Mapping[str, Shape] = field(default_factory=dict)
    closed: bool = False

    def check(self, raw: Any, path: str, problems: Problems) -> None:
        """See `Shape.check`."""
        if not self.closed and _is_function(raw, path, problems):
            return
        if not isinstance(raw, dict):
            problems.add(path, f"must be an object, not {format_value(raw)}")
            return
        for key in self.required:
            if key not in raw:
                problems.add(path, f"must have '{key}'")
        for key, item in raw.items():
            shape = self.required.get(key) or self.optional.get(key)
            if shape is not None:
                shape.check(item, child_path(path, key), problems)
            elif self.closed:
                known = suggest(key, {**self.optional, **self.required})
                problems.add(child_path(path, key), f"is an unknown key{known}")
            else:
                ANYTHING.check(item, child_path(path, key), problems)


@dataclass(frozen=True)
class Tagged:
    """An object whose shape depends on the value of one of its keys.

    Attributes:
        tag: The key.
        shapes: The shape for each value; filled after construction if shapes are recursive.
    """

    tag: str
    shapes: dict[str, Shape] = field(default_factory=dict)

    def check(self, raw: Any, path: str, problems: Problems) -> None:
        """See `Shape.check`."""
        if not isinstance(raw, dict):
            problems.add(path, f"must be an object, not {format_value(raw)}")
        elif self.tag not in raw:
            problems.add(path, f"must have '{self.tag}'")
        elif not isinstance(raw[self.tag], str) or raw[self.tag] not in self.shapes:
            name = raw[self.tag]
            problems.add(
                child_path(path, self.tag),
                f"unknown value {format_value(name)}{_suggest(name, self.shapes)}",
            )
        else:
            self.shapes[raw[self.tag]].check(raw, path, problems)


def _suggest(name: Any, known: Mapping[str, Shape]) -> str:
    remark = suggest(str(name), known)
    return remark if "did you mean" in remark else f" (known: {', '.join(sorted(known))})"


@dataclass(frozen=True)
class Nullable:
    """A value of a shape, or null."""

    shape: Shape

    def check(self, raw: Any, path: str, problems: Problems) -> None:
        """See `Shape.check`."""
        if raw is not None:
            self.shape.check(raw, path, problems)


@dataclass(frozen=True)
class Function:
    """A valid function of the language; its references are checked later."""

    allowed: tuple[str, ...] = ("Get", "Std:Join", "Std:JsonGet")

    def check(self, raw: Any, path: str, problems: Problems) -> None:
        """See `Shape.check`."""
        name = function_of(raw)
        if name not in self.allowed:
            names = ", ".join(self.allowed)
            problems.add(path, f"must be a function ({names}), not {format_value(raw)}")
            return
        inside = child_path(path, name)
        if name == "Get":
            _check_get(raw["Get"], inside, problems)
        elif name == "Std:Join":
            _JOIN.check(raw[name], inside, problems)
        else:
            _check_json_get(raw[name], inside, problems)


FUNCTION = Function()
_JOIN = Record({"On": text(literal=True), "Values": ListOf(ANYTHING, literal=True)}, closed=True)
_JSON_GET = Record(
    {"Path": text()},
    {"PropertyFile": Function(("Get",)), "S3Uri": Scalar("text", lambda r: isinstance(r, str))},
    closed=True,
)


def _check_get(raw: Any, path: str, problems: Problems) -> None:
    if not isinstance(raw, str):
        problems.add(path, f"must be text, not {format_value(raw)}")
        return
    try:
        empty = not Get(raw).path
    except DefinitionError as error:
        problems.add(path, error.message)
        return
    if raw.startswith("Steps.") == empty:
        problems.add(path, f"'{raw}' must name a property for a step, and for nothing else")


def _check_json_get(raw: Any, path: str, problems: Problems) -> None:
    before = len(problems)
    _JSON_GET.check(raw, path, problems)
    if len(problems) > before:
        return
    if ("PropertyFile" in raw) == ("S3Uri" in raw):
        problems.add(path, "must have either 'PropertyFile' or 'S3Uri'")
    if not isinstance(raw["Path"], str):
        return
    try:
        parse_json_path(raw["Path"])
    except DefinitionError as error:
        problems.add(child_path(path, "Path"), error.message)
