"""Parameters of degradation steps: their declaration, and reading them from JSON values.

A step is a frozen dataclass whose fields are numbers, words, or lists of numbers; `parameter`
states the range of a field. `read_values` builds a step from plain values and names the first wrong
field.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
from typing import Any, Literal, TypeVar

from kinoloom.errors import DefinitionError

T = TypeVar("T")
_RANGE = "kinoloom.range"
_KINDS: dict[type, str] = {int: "a whole number", float: "a number", str: "text"}


def parameter(low: float, high: float, *, count: int = 0, odd: bool = False) -> Any:
    """Declare a number, or `count` numbers, from `low` to `high` inclusive; an odd one if `odd`."""
    return dataclasses.field(metadata={_RANGE: (low, high, count, odd)})


def read_values(cls: type[T], values: object, where: str) -> T:
    """Build a step from plain values.

    Args:
        cls: the dataclass.
        values: by the names of its fields; all of them, and no others.
        where: the name of the values in messages, such as "recipes[0].steps[2]".

    Raises:
        DefinitionError: a field is missing, unknown, of another type or out of range.
    """
    if not isinstance(values, Mapping):
        raise DefinitionError(f"{where} must be an object, not {_show(values)}.")
    hints = typing.get_type_hints(cls)
    fields = dataclasses.fields(_as_dataclass(cls))
    names = [field.name for field in fields]
    for name in values:
        if name not in names:
            raise DefinitionError(f"{where}.{name} is not a field: expected {', '.join(names)}.")
    read = {}
    for field in fields:
        if field.name not in values:
            raise DefinitionError(f"{where}.{field.name} is missing.")
        path = f"{where}.{field.name}"
        read[field.name] = _read(values[field.name], hints[field.name], field.metadata, path)
    return cls(**read)


def _as_dataclass(cls: type[Any]) -> Any:
    """Return a class that is a dataclass, for type checkers."""
    return cls


def _read(value: object, hint: Any, metadata: Mapping[Any, Any], path: str) -> Any:
    if typing.get_origin(hint) in (typing.Union, types.UnionType):  # "or None"
        if value is None:
            return None
        hint = next(each for each in typing.get_args(hint) if each is not types.NoneType)
    if typing.get_origin(hint) is Literal:
        choices = typing.get_args(hint)
        if not isinstance(value, str) or value not in choices:
            raise DefinitionError(
                f"{path} must be one of {', '.join(choices)}, not {_show(value)}."
            )
        return value
    if hint is bool:
        if not isinstance(value, bool):
            raise DefinitionError(f"{path} must be true or false, not {_show(value)}.")
        return value
    low, high, count, odd = metadata[_RANGE]
    if count:
        if not isinstance(value, list) or len(value) != count:
            raise DefinitionError(f"{path} must be {count} numbers, not {_show(value)}.")
        items = enumerate(value)
        return tuple(_read_number(each, float, (low, high), f"{path}[{k}]") for k, each in items)
    number = _read_number(value, hint, (low, high), path)
    if odd and number % 2 == 0:
        raise DefinitionError(f"{path} must be odd, not {_show(value)}.")
    return number


def _read_number(value: object, kind: type, limits: tuple[float, float], path: str) -> Any:
    allowed = int if kind is int else (int, float)
    if not isinstance(value, allowed) or isinstance(value, bool):
        raise DefinitionError(f"{path} must be {_KINDS[kind]}, not {_show(value)}.")
    low, high = limits
    if not low <= value <= high:  # also true for NaN
        raise DefinitionError(f"{path} must be from {low:g} to {high:g}, not {_show(value)}.")
    return kind(value)


def _show(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
