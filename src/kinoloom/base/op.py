"""The op: one declared function for each capability.

    @op("interpolate")
    def interpolate(clip: Clip, options: InterpolateOptions) -> Clip:
        \"\"\"Weave new frames between photos or the frames of a video.\"\"\"

The first parameter's annotation is what the op takes, the second's its options, the return
annotation what it gives, the docstring's first line its summary. From this one declaration come
its command, the help of each option, its provenance record and its conformance tests
(`kinoloom.base.conformance`).
"""

from __future__ import annotations

import dataclasses
import inspect
import typing
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from kinoloom.base import options as option_tools
from kinoloom.base.provenance import Provenance, plain
from kinoloom.errors import UsageError


@dataclass(frozen=True)
class Op:
    """A declared capability; call it as `op(noun, options)` or `op(noun, name=value, ...)`.

    Attributes:
        name: what it is called; a dot puts its command into a group ("bench.film").
        summary: one line.
        function: does the work.
        options: the frozen dataclass of its options.
        takes: the class of its input: a noun, `Path` for a plain file or folder, or `Nothing`.
        gives: the class of its result: a noun.
        extra: the extra of kinoloom that it cannot do without, or "".
        page: dotted path of a function (noun, result, options) -> Report that makes the page
            behind `--report`, or "".
    """

    name: str
    summary: str
    function: Callable[[Any, Any], Any]
    options: type
    takes: type
    gives: type
    extra: str = ""
    page: str = ""

    def __call__(self, noun: Any, options: Any = None, /, **values: Any) -> Any:
        """Run the op and attach the record of how its result was made.

        Args:
            noun: what it takes.
            options: an object of its options dataclass; or give single values by name.
            **values: options by name, strings allowed where they can be parsed.

        Raises:
            UsageError: the input or an option is not what the op declares.
        """
        if not isinstance(noun, self.takes):
            raise UsageError(
                f"{self.name} takes a {self.takes.__name__}, not a {type(noun).__name__}."
            )
        if options is not None and (values or not isinstance(options, self.options)):
            raise UsageError(
                f"{self.name} takes either one {self.options.__name__} or options by name."
            )
        if options is None:
            options = option_tools.build(self.options, values)
        options = option_tools.check(options)
        result = self.function(noun, options)
        if getattr(result, "provenance", "absent") is None:
            return dataclasses.replace(result, provenance=self._record(noun, options, result))
        return result

    def _record(self, noun: Any, options: Any, result: Any) -> Provenance:
        parent = getattr(noun, "provenance", None)
        return Provenance(
            op=self.name,
            options=plain(options),
            inputs=tuple(getattr(noun, "files", ())) if parent is None else (),
            details=getattr(result, "made_with", {}),
            parents=(parent,) if parent else (),
        )


def op(name: str, *, extra: str = "", page: str = "") -> Callable[[Callable[..., Any]], Op]:
    """Declare a function as an op; see the module's head and `Op`.

    Raises:
        UsageError: the function lacks an annotation, a docstring, or options of a dataclass.
    """

    def declare(function: Callable[..., Any]) -> Op:
        hints = typing.get_type_hints(function)
        parameters = list(inspect.signature(function).parameters)
        summary = (inspect.getdoc(function) or "").partition("\n")[0]
        if len(parameters) != 2 or len(hints) != 3 or not summary:
            raise UsageError(
                f"The op '{name}' must be a function (noun: Noun, options: Options) -> Noun "
                "with a docstring."
            )
        takes, options, gives = (hints[key] for key in (*parameters, "return"))
        option_tools.options_of(options)  # says so now if a field is not declared
        return Op(name, summary, function, options, takes, gives, extra, page)

    return declare
