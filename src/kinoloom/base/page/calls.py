"""Calls and feeds: functions of a page that its module in the browser uses by name."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from kinoloom.base import options as option_tools
from kinoloom.base.page.context import Context, Role
from kinoloom.errors import UsageError

Cost = Literal["quick", "io", "model"]
"""Where a call runs: "quick" (less than 50 ms) and "io" (waits for files or other processes) in a
thread of the server, which imports no heavy library; "model" in a process of the page that keeps
its models loaded."""


@dataclass(frozen=True)
class Call:
    """A function of a page that returns one answer.

    Attributes:
        function: (context, options) -> a plain value, a `Blob`, or the `Path` of a file.
        options: the frozen dataclass of its options; see `base.options`.
        cost: see `Cost`.
        role: the least role of the person who may use it.
    """

    function: Callable[[Context, Any], Any]
    options: type
    cost: Cost
    role: Role

    def __call__(self, context: Context, options: Any) -> Any:
        """Call the function."""
        return self.function(context, options)

    def build_options(self, values: Mapping[str, Any]) -> Any:
        """Build the options from plain values.

        Raises:
            UsageError: an unknown name, or an invalid value.
        """
        return option_tools.build(self.options, values)


@dataclass(frozen=True)
class Feed:
    """A function of a page that yields plain dicts while someone listens.

    It starts with its first listener and is closed after the last one has left.

    Attributes:
        function: (context, options) -> iterator of plain dicts. It yields often enough, or looks at
            `context.cancelled()`, to end soon after the last listener has left.
        options: the frozen dataclass of its options.
        cost: "io" runs it in a thread of the server, "model" in a process of its own.
        role: the least role of the person who may listen.
    """

    function: Callable[[Context, Any], Iterator[Mapping[str, Any]]]
    options: type
    cost: Cost
    role: Role

    def __call__(self, context: Context, options: Any) -> Iterator[Mapping[str, Any]]:
        """Call the function."""
        return self.function(context, options)

    def build_options(self, values: Mapping[str, Any]) -> Any:
        """Build the options from plain values; see `Call.build_options`."""
        return option_tools.build(self.options, values)


def call(*, cost: Cost = "quick", role: Role = "viewer") -> Callable[[Callable[..., Any]], Call]:
    """Declare a function as a call of a page; see `Call`.

    Raises:
        UsageError: the function does not take a context and options.
    """

    def declare(function: Callable[..., Any]) -> Call:
        return Call(function, _options_of(function), cost, role)

    return declare


def feed(*, cost: Cost = "io", role: Role = "viewer") -> Callable[[Callable[..., Any]], Feed]:
    """Declare a generator function as a feed of a page; see `Feed`.

    Raises:
        UsageError: the function does not take a context and options.
    """

    def declare(function: Callable[..., Any]) -> Feed:
        return Feed(function, _options_of(function), cost, role)

    return declare


def _options_of(function: Callable[..., Any]) -> type:
    hints = typing.get_type_hints(function)
    parameters = list(inspect.signature(function).parameters)
    if len(parameters) != 2 or parameters[1] not in hints:
        raise UsageError(
            f"{function.__qualname__} must be a function (context: Context, options: Options)."
        )
    options: type = hints[parameters[1]]
    option_tools.options_of(options)  # raises now if a field is not declared
    return options
