"""Pipeline variables: values that are only known when the pipeline runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from kinoloom.errors import UsageError


class PipelineVariable:
    """A value that is only known when the pipeline runs; it has no text or number before."""

    @property
    def expr(self) -> dict[str, Any]:
        """Its JSON in a definition."""
        raise NotImplementedError

    def to_string(self) -> PipelineVariable:
        """The same value as text, when the pipeline runs."""
        return Join(on="", values=[self])

    def __str__(self) -> str:
        self._refuse("text", "Use to_string(), or Join(on='', values=[...]) to build text of it.")

    def __int__(self) -> int:
        self._refuse("a number")

    def __float__(self) -> float:
        self._refuse("a number")

    def __add__(self, other: object) -> NoReturn:
        self._refuse("added to anything", "Use Join(on='', values=[...]).")

    def _refuse(self, what: str, hint: str = "") -> NoReturn:
        raise UsageError(
            f"{self!r} is only known when the pipeline runs; it cannot be {what} before.",
            hint=hint,
        )

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.expr}>"


class Join(PipelineVariable):
    """Values as text, with a separator between them.

    Args:
        on: the separator.
        values: plain values and pipeline variables.
    """

    def __init__(self, on: str = "", values: Sequence[Any] = ()) -> None:
        self.on = on
        self.values = list(values)

    @property
    def expr(self) -> dict[str, Any]:
        """Its JSON in a definition."""
        return {"Std:Join": {"On": self.on, "Values": expr_of(self.values)}}

    def to_string(self) -> PipelineVariable:
        """Itself: it is text already."""
        return self


def expr_of(value: Any) -> Any:
    """Plain JSON of a value that may hold pipeline variables."""
    if isinstance(value, PipelineVariable):
        return value.expr
    if isinstance(value, Mapping):
        return {key: expr_of(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [expr_of(item) for item in value]
    return value


def as_text(value: Any) -> Any:
    """A value as the text that requests need: variables are joined, the rest becomes a str."""
    return value.to_string().expr if isinstance(value, PipelineVariable) else str(value)


def given(**members: Any) -> dict[str, Any]:
    """The members of a request that are not None."""
    return {name: value for name, value in members.items() if value is not None}


def plain_of(value: Any) -> Any:
    """What an object of settings stands for in a request; plain JSON is itself."""
    return value.to_request() if hasattr(value, "to_request") else value
