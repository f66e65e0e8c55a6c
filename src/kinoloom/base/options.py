"""Options: a frozen dataclass whose fields declare default, range, unit and help.

    @dataclass(frozen=True)
    class SlowOptions:
        factor: int = option(8, "Slow-down factor", low=2, high=64)
        fps: Fraction | None = option(None, "Frame rate of the output", unit="fps")

These declarations generate the command's flags and help, the checks of values and the provenance
record. Field types: bool, int, float, str, Fraction, Path, a Literal of strings, and any of these
or None.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

from kinoloom.base.units import parse_bytes, parse_fraction, parse_rate
from kinoloom.errors import UsageError

_KEY = "kinoloom.option"


@dataclass(frozen=True)
class Option:
    """The declaration of an option, and its type as found on the dataclass.

    Attributes:
        name: of the field.
        kind: the type without "or None".
        default: its default value.
        help: one phrase, shown in the command's help.
        low, high: the range, inclusive; None where unbounded.
        unit: "s", "px", "fps" (exact rates), "bytes" (accepts "2GB"), "" for none.
        metavar: placeholder of the value in the command's help, such as "DIR"; "" for the usual
            one of its type.
        formerly: its flag in the last version, without the dashes, "" if it had the same; the
            command line says what to type instead.
        choices: the allowed strings of a Literal.
        optional: whether None is allowed.
    """

    name: str
    kind: type
    default: Any
    help: str
    low: float | None
    high: float | None
    unit: str
    metavar: str
    formerly: str
    choices: tuple[str, ...]
    optional: bool

    @property
    def flag(self) -> str:
        """The command-line flag: "--flow-scale"."""
        return "--" + self.name.strip("_").replace("_", "-")

    @property
    def range_text(self) -> str:
        """The range and unit in words: "from 1 to 64", "at least 0 s", ""."""
        unit = f" {self.unit}" if self.unit not in ("", "bytes") else ""
        if self.low is not None and self.high is not None:
            return f"from {self.low:g} to {self.high:g}{unit}"
        if self.low is not None:
            return f"at least {self.low:g}{unit}"
        return f"at most {self.high:g}{unit}" if self.high is not None else ""

    def parse(self, value: object) -> Any:
        """Parse a value given by a person or a script.

        Raises:
            UsageError: wrong type, not one of the choices, or out of range.
        """
        if value is None and self.optional:
            return None
        try:
            parsed = _PARSERS[self.kind](value) if not self.unit else self._with_unit(value)
        except (UsageError, ValueError, TypeError, OverflowError) as error:
            raise UsageError(f"{self.flag}: {_why(error, value, self.kind)}") from error
        if self.choices and parsed not in self.choices:
            raise UsageError(
                f"{self.flag} must be one of {', '.join(self.choices)}, not '{value}'."
            )
        if not self._in_range(parsed):
            raise UsageError(f"{self.flag} must be {self.range_text}, not {value}.")
        return parsed

    def _in_range(self, parsed: Any) -> bool:
        exact = _PARSERS[self.kind]  # so that 1/100 is in a range that starts at 0.01
        enough = self.low is None or parsed >= exact(self.low)
        return enough and (self.high is None or parsed <= exact(self.high))

    def _with_unit(self, value: object) -> Any:
        special: dict[str, Callable[[object], Any]] = {"fps": parse_rate, "bytes": parse_bytes}
        return special.get(self.unit, _PARSERS[self.kind])(value)


@dataclass(frozen=True)
class Preset:
    """A named set of options of an op, as a readable TOML file.

    Attributes:
        name: as given to `--preset`.
        summary: one line.
        values: by the names of options of its op, checked.
        text: the TOML file.
    """

    name: str
    summary: str
    values: Mapping[str, Any]
    text: str


def option(
    default: Any,
    help: str,  # noqa: A002  the name argparse and click use
    *,
    low: float | None = None,
    high: float | None = None,
    unit: str = "",
    metavar: str = "",
    formerly: str = "",
) -> Any:
    """Declare a field of an options dataclass; see `Option` for the arguments."""
    declared: dict[str, Any] = {"help": help, "low": low, "high": high, "unit": unit}
    declared |= {"metavar": metavar, "formerly": formerly}
    return dataclasses.field(default=default, metadata={_KEY: declared})


def options_of(cls: type) -> list[Option]:
    """Return the declared options of a dataclass, in order.

    Raises:
        UsageError: not a dataclass, a field not declared with `option()`, or an unsupported type.
    """
    if not dataclasses.is_dataclass(cls):
        raise UsageError(f"Options must be a dataclass, not {cls!r}.")
    hints = typing.get_type_hints(cls)
    return [_declared(field, hints[field.name]) for field in dataclasses.fields(cls)]


def build(cls: type, values: Mapping[str, Any]) -> Any:
    """Build an options object from values by name; each is parsed and checked.

    Args:
        cls: the options dataclass.
        values: by field name; strings are parsed; None and missing values keep the default.

    Raises:
        UsageError: an unknown name, or an invalid value.
    """
    declared = {item.name: item for item in options_of(cls)}
    unknown = [name for name in values if name not in declared]
    if unknown:
        raise UsageError(f"Unknown option '{unknown[0]}'.", hint=f"Options: {', '.join(declared)}.")
    given = {name: value for name, value in values.items() if value is not None}
    return cls(**{name: declared[name].parse(value) for name, value in given.items()})


def check(options: Any) -> Any:
    """Return the options with every value parsed and checked.

    Raises:
        UsageError: an invalid value.
    """
    declared = options_of(type(options))
    return type(options)(**{o.name: o.parse(getattr(options, o.name)) for o in declared})


def _declared(field: dataclasses.Field[Any], hint: Any) -> Option:
    if _KEY not in field.metadata:
        raise UsageError(f"The field '{field.name}' must be declared with option().")
    union = typing.get_origin(hint) in (typing.Union, types.UnionType)
    kinds = typing.get_args(hint) if union else (hint,)
    optional = types.NoneType in kinds
    kind, *others = [kind for kind in kinds if kind is not types.NoneType]
    choices: tuple[str, ...] = ()
    if typing.get_origin(kind) is Literal:
        choices, kind = typing.get_args(kind), str
    if others or kind not in _PARSERS or not all(isinstance(word, str) for word in choices):
        raise UsageError(
            f"The field '{field.name}' has the unsupported type {hint}.",
            hint="Use bool, int, float, str, Fraction, Path or a Literal of strings, or None.",
        )
    facts = field.metadata[_KEY]
    return Option(field.name, kind, field.default, choices=choices, optional=optional, **facts)


def _bool(value: object) -> bool:
    words = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
    if str(value).lower() not in words:
        raise ValueError
    return words[str(value).lower()]


def _int(value: object) -> int:
    number = parse_fraction(value)
    if number.denominator != 1:
        raise ValueError
    return int(number)


def _float(value: object) -> float:
    return float(parse_fraction(value))


def _str(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _path(value: object) -> Path:
    if not isinstance(value, (str, Path)):
        raise TypeError
    return Path(value)


_PARSERS: dict[type, Callable[[object], Any]] = {
    bool: _bool,
    int: _int,
    float: _float,
    str: _str,
    Fraction: parse_fraction,
    Path: _path,
}
_WORDS = {bool: "yes or no", int: "a whole number", float: "a number", str: "text", Path: "a path"}


def _why(error: Exception, value: object, kind: type) -> str:
    if isinstance(error, UsageError):
        return str(error)
    return f"'{value}' is not {_WORDS.get(kind, kind.__name__)}."
