"""Shapes: small checkers that together describe what JSON a definition may hold.

A shape looks at one piece of JSON and adds a problem, with its path, for each thing that does not
fit. Where a value is only known at run time a function ({"Get": ...} and so on) may stand in its
place, so every shape lets well-formed functions pass unless it is `literal`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from kinoloom.errors import DefinitionError
from kinoloom.pipelines.language.problems import Problems, below, suggestion
from kinoloom.pipelines.language.values import Get, function_of, parse_path

_SHOWN = 60


class Shape(Protocol):
    """Checks one piece of JSON."""

    def check(self, raw: Any, path: str, problems: Problems) -> None:
        """Add a problem for each thing at or below `path` that does not fit."""


def told(raw: Any) -> str:
    """A value as a message shows it: short, as JSON spells it."""
    words = {True: "true", False: "false", None: "null"}
    text = words[raw] if raw is None or isinstance(raw, bool) else repr(raw)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."


def _is_function(raw: Any, path: str, problems: Problems) -> bool:
    """Whether it is a function; if so it has been checked."""
    if not function_of(raw):
        return False
    FUNCTION.check(raw, path, problems)
    return True


@dataclass(frozen=True)
class Scalar:
    """One plain value.

    Attributes:
        what: what is expected, in words.
        fits: whether a value is it.
        literal: whether a function may not stand in its place.
    """

    what: str
    fits: Callable[[Any], bool]
    literal: bool = False

    def check(self, raw: Any, path: str, problems: Problems) -> None:
        """See `Shape.check`."""
        if not self.literal and _is_function(raw, path, problems):
            return
        if not self.fits(raw):
            problems.add(path, f"must be {self.what}, not {told(raw)}")


def is_whole(raw: Any) -> bool:
    """Whether it is an integer; JSON's true and false are not."""
    return isinstance(raw, int) and not isinstance(raw, bool)


def is_number(raw: Any) -> bool:
    """Whether it is a number; JSON's true and false are not."""
    return isinstance(raw, int | float) and not isinstance(raw, bool)


def text(pattern: str = "", *, longest: int = 0, literal: bool = False) -> Scalar:
    """Text that matches a pattern and is not longer than so many characters (0: any length)."""
    what = "text" + (f" of the form {pattern}" if pattern else "")
    what += f" of at most {longest} characters" if longest else ""
    compiled = re.compile(pattern)

    def fits(raw: Any) -> bool:
        if not isinstance(raw, str) or (longest and len(raw) > longest):
            return False
        return not pattern or compiled.fullmatch(raw) is not None

    return Scalar(what, fits, literal)


def choice(*words: str, literal: bool = False) -> Scalar:
    """One of a few words."""
    what = f"one of {', '.join(words)}" if len(words) > 1 else f'"{words[0]}"'
    return Scalar(what, lambda raw: isinstance(raw, str) and raw in words, literal)


def whole(low: int, high: int | None = None, *, literal: bool = False) -> Scalar:
    """An integer within a range, both ends included."""
    span = f"of at least {low}" if high is None else f"from {low} to {high}"
    return Scalar(
        f"a whole number {span}",
        lambda raw: is_whole(raw) and raw >= low and (high is None or raw <= high),
        literal,
    )


def number(low: float, *, literal: bool = False) -> Scalar:
    """A number of at least `low`."""
    return Scalar(f"a number of at least {low:g}", lambda r: is_number(r) and r >= low, literal)


def flag(*, literal: bool = False) -> Scalar:
    """True or false."""
    return Scalar("true or false", lambda raw: isinstance(raw, bool), literal)


@dataclass(frozen=True)
class Anything:
    """Any JSON; functions inside it must be well formed."""

    def check(self, raw: Any, path: str, problems: Problems) -> None:
        """See `Shape.check`."""
        if _is_function(raw, path, problems):
            return
        if isinstance(raw, dict):
            for key, item in raw.items():
                self.check(item, below(path, key), problems)
        elif isinstance(raw, list):
            for index, item in enumerate(raw):
                self.check(item, below(path, index), problems)


ANYTHING = Anything()


@dataclass(frozen=True)
class Listing:
    """A list whose items have one shape."""

    item: Shape = ANYTHING
    shortest: int = 0
    literal: bool = False

    def check(self, raw: Any, path: str, problems: Problems) -> None:
        """See `Shape.check`."""
        if not self.literal and _is_function(raw, path, problems):
            return
        if not isinstance(raw, list):
            problems.add(path, f"must be a list, not {told(raw)}")
            return
        if len(raw) < self.shortest:
            problems.add(path, f"must have at least {self.shortest} item(s), not {len(raw)}")
        for index, item in enumerate(raw):
            self.item.check(item, below(path, index), problems)


@dataclass(frozen=True)
class Table:
    """An object with free keys whose values have one shape."""

    item: Shape = ANYTHING

    def check(self, raw: Any, path: str, problems: Problems) -> None:
        """See `Shape.check`."""
        if not isinstance(raw, dict):
            problems.add(path, f"must be an object, not {told(raw)}")
            return
        for key, item in raw.items():
            self.item.check(item, below(path, key), problems)


@dataclass(frozen=True)
class Record:
    """An object with known keys.

    Attributes:
        required: keys that must be there.
        optional: keys that may be there.
        closed: whether other keys are problems; the requests of the service's API are left open,
            because it grows.
    """

    required: Mapping[str, Shape] = field(default_factory=dict)
    optional: Mapping[str, Shape] = field(default_factory=dict)
    closed: bool = False

    def check(self, raw: Any, path: str, problems: Problems) -> None:
        """See `Shape.check`."""
        if not self.closed and _is_function(raw, path, problems):
            return
        if not isinstance(raw, dict):
            problems.add(path, f"must be an object, not {told(raw)}")
            return
        for key in self.required:
            if key not in raw:
                problems.add(path, f"lacks '{key}'")
        for key, item in raw.items():
            shape = self.required.get(key) or self.optional.get(key)
            if shape is not None:
                shape.check(item, below(path, key), problems)
            elif self.closed:
                known = suggestion(key, {**self.optional, **self.required})
                problems.add(below(path, key), f"is not known here{known}")
            else:
                ANYTHING.check(item, below(path, key), problems)


@dataclass(frozen=True)
class Tagged:
    """An object whose shape depends on the word at one of its keys.

    Attributes:
        tag: the key.
        shapes: the shape for each word; filled after construction where shapes are recursive.
    """

    tag: str
    shapes: dict[str, Shape] = field(default_factory=dict)

    def check(self, raw: Any, path: str, problems: Problems) -> None:
        """See `Shape.check`."""
        if not isinstance(raw, dict):
            problems.add(path, f"must be an object, not {told(raw)}")
        elif self.tag not in raw:
            problems.add(path, f"lacks '{self.tag}'")
        elif not isinstance(raw[self.tag], str) or raw[self.tag] not in self.shapes:
            name = raw[self.tag]
            problems.add(
                below(path, self.tag), f"{told(name)} is not known{_suggest(name, self.shapes)}"
            )
        else:
            self.shapes[raw[self.tag]].check(raw, path, problems)


def _suggest(name: Any, known: Mapping[str, Shape]) -> str:
    close = suggestion(str(name), known)
    return close if "did you mean" in close else f"; there are: {', '.join(sorted(known))}"


@dataclass(frozen=True)
class Nullable:
    """Something of a shape, or null."""

    shape: Shape

    def check(self, raw: Any, path: str, problems: Problems) -> None:
        """See `Shape.check`."""
        if raw is not None:
            self.shape.check(raw, path, problems)


@dataclass(frozen=True)
class Function:
    """One of the functions of the language, well formed; what it refers to is checked later."""

    only: tuple[str, ...] = ("Get", "Std:Join", "Std:JsonGet")

    def check(self, raw: Any, path: str, problems: Problems) -> None:
        """See `Shape.check`."""
        name = function_of(raw)
        if name not in self.only:
            allowed = ", ".join(self.only)
            problems.add(path, f"must be a function, one of {allowed}, not {told(raw)}")
            return
        inside = below(path, name)
        if name == "Get":
            _check_get(raw["Get"], inside, problems)
        elif name == "Std:Join":
            _JOIN.check(raw[name], inside, problems)
        else:
            _check_json_get(raw[name], inside, problems)


FUNCTION = Function()
_JOIN = Record({"On": text(literal=True), "Values": Listing(ANYTHING, literal=True)}, closed=True)
_JSON_GET = Record(
    {"Path": text(literal=True)},
    {"PropertyFile": Function(("Get",)), "S3Uri": Scalar("text", lambda r: isinstance(r, str))},
    closed=True,
)


def _check_get(raw: Any, path: str, problems: Problems) -> None:
    if not isinstance(raw, str):
        problems.add(path, f"must be text, not {told(raw)}")
        return
    try:
        empty = not Get(raw).path
    except DefinitionError as error:
        problems.add(path, error.message)
        return
    if raw.startswith("Steps.") == empty:
        problems.add(path, f"'{raw}' must name a property of a step, and only of a step")


def _check_json_get(raw: Any, path: str, problems: Problems) -> None:
    before = len(problems)
    _JSON_GET.check(raw, path, problems)
    if len(problems) > before:
        return
    if ("PropertyFile" in raw) == ("S3Uri" in raw):
        problems.add(path, "must have either 'PropertyFile' or 'S3Uri'")
    try:
        parse_path(raw["Path"].removeprefix("$."))
    except DefinitionError as error:
        problems.add(below(path, "Path"), error.message)
