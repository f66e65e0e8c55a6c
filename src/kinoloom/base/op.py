"""The op: one declared function for each capability.

    @op("interpolate")
    def interpolate(clip: Clip, options: InterpolateOptions) -> Clip:
        \"\"\"Interpolate new frames between photos or the frames of a video.\"\"\"

The first parameter declares the input, the second the options, the return annotation the output,
and the docstring's first line the summary. This one declaration generates the command, the help of
its options, the provenance record and the conformance tests (`base.conformance`).
"""

from __future__ import annotations

import dataclasses
import inspect
import typing
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from kinoloom.base import options as option_tools
from kinoloom.base.provenance import Provenance, to_jsonable
from kinoloom.errors import UsageError


@dataclass(frozen=True)
class Op:
    """A declared capability; call it as `op(value, options)` or `op(value, name=value, ...)`.

    Attributes:
        name: of the op; a dot puts its command into a group ("bench.film").
        summary: one line.
        function: does the work.
        options: the frozen dataclass of its options.
        input_type: a core type, `Path` for a plain file or folder, or `Nothing`.
        input_name: the name of the function's first parameter; the command's help shows it.
        output_type: a core type.
        extra: the extra of kinoloom that the op requires, or "".
        page: dotted path of a function (input, result, options) -> Report that builds the page
            of `--report`, or "".
        reads_first: whether it has read its input completely before it works, so that a later
            change of the input does not affect the result.
        one_by_one: whether it processes photos one by one: it accepts folders, and a photo that
            fails does not stop the others.
        output_option: name of an option, a path, that replaces the output: the op returns something
            smaller that is written there; "" for none.
    """

    name: str
    summary: str
    function: Callable[[Any, Any], Any]
    options: type
    input_type: type
    input_name: str
    output_type: type
    extra: str = ""
    page: str = ""
    reads_first: bool = False
    one_by_one: bool = False
    output_option: str = ""

    def __call__(self, value: Any, options: Any = None, /, **values: Any) -> Any:
        """Run the op and attach a provenance record to its result.

        Args:
            value: an object of `input_type`.
            options: an object of the options dataclass; or pass single options by name.
            **values: options by name; strings are parsed.

        Raises:
            UsageError: the input or an option is not what the op declares.
        """
        if not isinstance(value, self.input_type):
            raise UsageError(
                f"{self.name} takes a {self.input_type.__name__}, not a {type(value).__name__}."
            )
        if options is not None and (values or not isinstance(options, self.options)):
            raise UsageError(
                f"{self.name} takes either one {self.options.__name__} or options by name."
            )
        if options is None:
            options = option_tools.build(self.options, values)
        options = option_tools.check(options)
        result = self.function(value, options)
        if getattr(result, "provenance", "absent") is None:
            return dataclasses.replace(result, provenance=self._record(value, options, result))
        return result

    def _record(self, value: Any, options: Any, result: Any) -> Provenance:
        parent = getattr(value, "provenance", None)
        return Provenance(
            op=self.name,
            options=to_jsonable(options),
            inputs=tuple(getattr(value, "files", ())) if parent is None else (),
            details=getattr(result, "made_with", {}),
            parents=(parent,) if parent else (),
        )


def op(
    name: str,
    *,
    extra: str = "",
    page: str = "",
    reads_first: bool = False,
    one_by_one: bool = False,
    output_option: str = "",
) -> Callable[[Callable[..., Any]], Op]:
    """Declare a function as an op; see the module's docstring and `Op`.

    Raises:
        UsageError: the function lacks an annotation or a docstring, or its options are not a
            dataclass of declared options.
    """

    def declare(function: Callable[..., Any]) -> Op:
        hints = typing.get_type_hints(function)
        parameters = list(inspect.signature(function).parameters)
        summary = (inspect.getdoc(function) or "").partition("\n")[0]
        if len(parameters) != 2 or len(hints) != 3 or not summary:
            raise UsageError(
                f"The op '{name}' must be a function (input: Type, options: Options) -> Type "
                "with a docstring."
            )
        input_type, options, output_type = (hints[key] for key in (*parameters, "return"))
        option_tools.options_of(options)  # raises now if a field is not declared
        return Op(
            name,
            summary,
            function,
            options,
            input_type,
            parameters[0],
            output_type,
            extra,
            page,
            reads_first,
            one_by_one,
            output_option,
        )

    return declare
